package messages

import (
	"cmp"
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

// Open returns the store that the environment describes:
//
//   - DATABASE_URL is a PostgreSQL, as in postgres://user@host/database;
//   - DB_HOST, DB_PORT (5432), DB_NAME, DB_USER and DB_PASS say the same in
//     parts;
//   - DB_SECRET_ARN names a secret of AWS Secrets Manager with user name and
//     password, which takes the place of those in the environment, where too
//     many can read them;
//   - SQLITE_FILE is a file to use when there is none of these. The default is
//     messages.db in the working directory.
//
// It fails for reasons that waiting does not mend, such as an invalid URL. It
// does not connect: the first call does that, and creates the table. So a server
// starts while its database is down, answers requests that do not need it, and
// goes on when the database is back. On AWS Lambda the alternative is a function that fails
// to start again and again, and tells its callers nothing but 502.
//
// The logger gets the causes of errors.
func Open(ctx context.Context, getenv func(string) string, logger *slog.Logger) (Store, error) {
	if getenv("DATABASE_URL") == "" && getenv("DB_HOST") == "" {
		if onLambda(getenv) {
			return nil, errors.New("on AWS Lambda messages need a database, because files are not kept there: set DB_HOST, DB_NAME and DB_SECRET_ARN, or DATABASE_URL")
		}
		return openSQLite(ctx, cmp.Or(getenv("SQLITE_FILE"), "messages.db"), logger)
	}
	config, err := postgresConfig(getenv)
	if err != nil {
		return nil, err
	}
	if arn := getenv("DB_SECRET_ARN"); arn != "" {
		if config.ConnConfig.Password != "" {
			return nil, errors.New("a password and DB_SECRET_ARN are both set: leave the password out")
		}
		s := secret{arn: arn}
		config.BeforeConnect = s.apply
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("make the pool of connections: %w", err)
	}
	return newPostgres(pool, logger), nil
}

func onLambda(getenv func(string) string) bool { return getenv("AWS_LAMBDA_RUNTIME_API") != "" }

// postgresConfig says where the database is and how to be connected to it.
func postgresConfig(getenv func(string) string) (*pgxpool.Config, error) {
	at := getenv("DATABASE_URL")
	if at == "" {
		var err error
		if at, err = urlOfParts(getenv); err != nil {
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

// urlOfParts is the URL that DB_HOST and its siblings spell out.
func urlOfParts(getenv func(string) string) (string, error) {
	if getenv("DB_NAME") == "" {
		return "", errors.New("DB_HOST is set and DB_NAME is not: set it to the name of the database")
	}
	u := url.URL{
		Scheme: "postgres",
		Host:   net.JoinHostPort(getenv("DB_HOST"), cmp.Or(getenv("DB_PORT"), "5432")),
		Path:   "/" + getenv("DB_NAME"),
	}
	switch user := getenv("DB_USER"); {
	case getenv("DB_SECRET_ARN") == "" && user == "":
		return "", errors.New("DB_HOST is set and neither DB_SECRET_ARN nor DB_USER is: set one of them")
	case getenv("DB_PASS") != "":
		u.User = url.UserPassword(user, getenv("DB_PASS"))
	case user != "":
		u.User = url.User(user)
	}
	if getenv("DB_SECRET_ARN") != "" && getenv("PGSSLMODE") == "" {
		// A managed database: nobody gets the password but a server with a
		// certificate for this host, from an authority in PGSSLROOTCERT or else
		// in the system.
		u.RawQuery = "sslmode=verify-full"
	}
	return u.String(), nil
}
