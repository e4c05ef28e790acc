package messages

import "testing"

// A managed database gets the password only after its certificate was verified.
func TestManagedDatabaseIsVerified(t *testing.T) {
	t.Setenv("PGSSLMODE", "") // pgx reads it too
	settings := Settings{DBHost: "db.example", DBPort: 5432, DBName: "board", DBSecretARN: "arn"}
	config, err := postgresConfig(settings, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	tls := config.ConnConfig.TLSConfig
	if tls == nil || tls.InsecureSkipVerify || tls.ServerName != "db.example" {
		t.Errorf("TLS is configured as %+v, want a verified certificate of db.example", tls)
	}
	for _, other := range config.ConnConfig.Fallbacks {
		if other.TLSConfig == nil || other.TLSConfig.InsecureSkipVerify {
			t.Errorf("a connection without verification is tried too: %+v", other)
		}
	}
}
