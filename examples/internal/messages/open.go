package messages

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Settings say where messages are kept: in the PostgreSQL of DatabaseURL, or in that
// of DBHost and its siblings, which say the same in parts, or else in a file.
type Settings struct {
	DatabaseURL string `json:"database_url,omitempty" sensitive:"true" jsonschema:"the PostgreSQL that keeps the messages, as in postgres://user@host/database"`
	DBHost      string `json:"db_host,omitempty" jsonschema:"the host of the PostgreSQL, in place of database_url"`
	DBPort      uint16 `json:"db_port" default:"5432"`
	DBName      string `json:"db_name,omitempty"`
	DBUser      string `json:"db_user,omitempty"`
	DBPass      string `json:"db_pass,omitempty" sensitive:"true"`

	// In the environment too many can read a password.
	DBSecretARN string `json:"db_secret_arn,omitempty" jsonschema:"a secret of AWS Secrets Manager with user name and password, in place of db_user and db_pass"`

	SQLiteFile string `json:"sqlite_file" default:"messages.db" format:"file-path" jsonschema:"the file that keeps the messages without a PostgreSQL"`
}

// Open returns the store of the settings.
//
// It fails for reasons that waiting does not mend, such as an invalid URL. It
// does not connect: the first call does that, and creates the table. So a server
// starts while its database is down, answers requests that do not need it, and
// goes on when the database is back. On AWS Lambda the alternative is a function that fails
// to start again and again, and tells its callers nothing but 502.
//
// The environment says whether that is AWS Lambda, and has the variables of pgx. The
// logger gets the causes of errors.
func Open(ctx context.Context, s Settings, getenv func(string) string, logger *slog.Logger) (Store, error) {
	if s.DatabaseURL == "" && s.DBHost == "" {
		if onLambda(getenv) {
			return nil, errors.New("on AWS Lambda messages need a database, because files are not kept there: set DB_HOST, DB_NAME and DB_SECRET_ARN, or DATABASE_URL")
		}
		return openSQLite(ctx, s.SQLiteFile, logger)
	}
	config, err := postgresConfig(s, getenv)
	if err != nil {
		return nil, err
	}
	if s.DBSecretARN != "" {
		if config.ConnConfig.Password != "" {
			return nil, errors.New("a password and DB_SECRET_ARN are both set: leave the password out")
		}
		config.BeforeConnect = secret{arn: s.DBSecretARN}.apply
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("make the pool of connections: %w", err)
	}
	return newPostgres(pool, logger), nil
}

func onLambda(getenv func(string) string) bool { return getenv("AWS_LAMBDA_RUNTIME_API") != "" }

// postgresConfig says where the database is and how to be connected to it.
func postgresConfig(s Settings, getenv func(string) string) (*pgxpool.Config, error) {
	at := s.DatabaseURL
	if at == "" {
		var err error
		if at, err = s.urlOfParts(getenv); err != nil {
			return nil, err
		}
	}
	if file := getenv("PGSSLROOTCERT"); file != "" {
		if _, err := os.Stat(file); err != nil {
			return nil, fmt.Errorf("read the certificates of PGSSLROOTCERT (on AWS Lambda mcpengine package --include puts them there): %w", err)
		}
	}
	config, err := pgxpool.ParseConfig(at)
	if err != nil {
		// The cause would quote the URL, and there may be a password in it.
		return nil, errors.New("DATABASE_URL, or DB_HOST and its siblings, are not the address of a PostgreSQL: they look like postgres://user@host:5432/database")
	}
	// Statements take one round trip and leave nothing in the session, so that a
	// proxy can share its connections among many functions.
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	config.ConnConfig.ConnectTimeout = 5 * time.Second
	// The pool pings a connection that was idle for a second before it is used.
	config.PingTimeout = 2 * time.Second
	// Before the hour after which proxies hang up.
	config.MaxConnLifetime = 45 * time.Minute
	if onLambda(getenv) {
		// More than there are requests at once would be connections that
		// another instance cannot have.
		n, _ := strconv.ParseInt(getenv("AWS_LAMBDA_MAX_CONCURRENCY"), 10, 16)
		config.MaxConns = max(int32(n), 1)
		// Any connection may have died while the process was frozen, and how long
		// that was the process cannot tell.
		config.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return true }
	}
	return config, nil
}

// urlOfParts is the URL that DBHost and its siblings spell out.
func (s Settings) urlOfParts(getenv func(string) string) (string, error) {
	if s.DBName == "" {
		return "", errors.New("DB_HOST is set and DB_NAME is not: set it to the name of the database")
	}
	u := url.URL{
		Scheme: "postgres",
		Host:   net.JoinHostPort(s.DBHost, strconv.Itoa(int(s.DBPort))),
		Path:   "/" + s.DBName,
	}
	switch {
	case s.DBSecretARN == "" && s.DBUser == "":
		return "", errors.New("DB_HOST is set and neither DB_SECRET_ARN nor DB_USER is: set one of them")
	case s.DBPass != "":
		u.User = url.UserPassword(s.DBUser, s.DBPass)
	case s.DBUser != "":
		u.User = url.User(s.DBUser)
	}
	if s.DBSecretARN != "" && getenv("PGSSLMODE") == "" {
		// A managed database: nobody gets the password but a server with a
		// certificate for this host, from an authority in PGSSLROOTCERT or else
		// in the system.
		u.RawQuery = "sslmode=verify-full"
	}
	return u.String(), nil
}
