package bridge

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Secrets are hidden, both known ones and text that looks like a credential.
func TestLogHidesSecrets(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	file := filepath.Join(t.TempDir(), "logs", "far.log")
	log := NewLog(&out, 0, file)
	log.Hide("hunter2-hunter2")
	log.Hide("no") // too short to look for
	log.Logger().Info("no", "a", "hunter2-hunter2", "b", "Bearer abcdefgh", "c", "https://x?code=abcdef&state=1", "d", "access_token=qwertz")
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{out.String(), string(data)} {
		for _, secret := range []string{"hunter2", "abcdef", "qwertz"} {
			if strings.Contains(text, secret) {
				t.Errorf("the log has a secret: %s", text)
			}
		}
		if !strings.Contains(text, "msg=no") || !strings.Contains(text, "state=1") {
			t.Errorf("the log says %q", text)
		}
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file of the log is %v, %v", info.Mode(), err)
	}
}
