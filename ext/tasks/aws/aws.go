// Package aws keeps durable tasks in a table of DynamoDB and runs them in
// invocations of an AWS Lambda function, with no server and no queue. It is a
// backend of package ext/tasks.
//
//	backend, err := aws.Open(os.Getenv(aws.TableVariable))
//	if err != nil {
//		log.Fatal(err)
//	}
//	e := mcpengine.New("reports", mcpengine.WithExtension(tasks.Extension(backend)))
//
// A call stores its task and invokes the function asynchronously with the id of
// the task. That invocation runs the handler. Before its time is over it ends the
// run and invokes the function again, and the handler goes on from its journal.
// The README describes the table, the permissions, and what wakes a task.
//
// A step takes part in the transaction in which its end is noted with
// tasks.Tx[*aws.Tx](ctx).
package aws

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/mcpengine/mcpengine/ext/tasks"
)

// TableVariable is the environment variable in which `mcpengine deploy`, the
// Terraform module and the SAM template give the name of the table.
const TableVariable = "MCPENGINE_TASKS_TABLE"

// A Backend keeps tasks in a table and runs them in invocations of a function.
// Open makes one.
type Backend struct {
	table    string
	function string
	version  string // of the function; empty for $LATEST
	config   *sdk.Config
	margin   time.Duration
	logger   *slog.Logger

	dynamo *dynamodb.Client
	lambda *lambda.Client
	parts  cache

	serving chan struct{} // closed when worker and stopping are set
	worker  tasks.Worker
	ended   context.Context // ends with Serve
	runs    sync.WaitGroup

	mu      sync.Mutex
	running map[string]int       // runs in this process, by their task
	woken   map[string]time.Time // when a task was woken because it was overdue
}

var (
	_ tasks.Backend     = (*Backend)(nil)
	_ tasks.EventRunner = (*Backend)(nil)
	_ tasks.Watcher     = (*Backend)(nil)
	_ tasks.Transactor  = (*Backend)(nil)
)

// An Option adjusts [Open].
type Option interface{ applyToBackend(*Backend) }

type option func(*Backend)

func (o option) applyToBackend(b *Backend) { o(b) }

// WithLogger sets the log of the backend. The default writes warnings to standard
// error.
func WithLogger(logger *slog.Logger) Option {
	return option(func(b *Backend) { b.logger = logger })
}

// WithMargin sets how long before the end of its invocation a run is handed over
// to the next one. The default is 3 seconds, and half of the invocation if that is
// shorter. In this time handlers have to return.
func WithMargin(d time.Duration) Option {
	return option(func(b *Backend) { b.margin = d })
}

// WithFunction names the function that runs the tasks. The default is the function
// that this process belongs to. Another one must be of the same program and have
// the same table; it can have more memory and a longer timeout.
func WithFunction(name string) Option {
	return option(func(b *Backend) { b.function, b.version = name, "" })
}

// WithConfig sets how AWS is called. The default is what Lambda gives a function
// in its environment: AWS_REGION and the credentials of its role. The variables
// AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL_LAMBDA and AWS_ENDPOINT_URL count in
// both cases.
func WithConfig(c sdk.Config) Option {
	return option(func(b *Backend) { b.config = &c })
}

// callTimeout bounds one attempt of a call of AWS. A process that was frozen may
// hold connections that are dead.
const callTimeout = 5 * time.Second

// Open returns the backend with the table. It calls nothing: a table that is
// missing is an error of the first task.
func Open(table string, opts ...Option) (*Backend, error) {
	b := &Backend{
		table: table, function: os.Getenv("AWS_LAMBDA_FUNCTION_NAME"), margin: 3 * time.Second,
		logger:  slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		serving: make(chan struct{}), running: make(map[string]int), woken: make(map[string]time.Time),
	}
	if v := os.Getenv("AWS_LAMBDA_FUNCTION_VERSION"); v != "$LATEST" {
		b.version = v
	}
	for _, opt := range opts {
		opt.applyToBackend(b)
	}
	if b.config == nil {
		b.config = &sdk.Config{Region: os.Getenv("AWS_REGION"), Credentials: sdk.CredentialsProviderFunc(fromEnvironment)}
	}
	switch {
	case table == "":
		return nil, errors.New("open the table of tasks: it has no name")
	case b.function == "":
		return nil, errors.New("open the table of tasks: tasks run in invocations of an AWS Lambda function, and this process belongs to none: use WithFunction, or another backend")
	case b.config.Region == "":
		return nil, errors.New("open the table of tasks: AWS_REGION is not set")
	case b.margin <= 0:
		return nil, errors.New("open the table of tasks: WithMargin has to be positive")
	}
	if b.config.HTTPClient == nil {
		b.config.HTTPClient = http.NewBuildableClient().WithTimeout(callTimeout)
	}
	b.dynamo = dynamodb.NewFromConfig(*b.config, func(o *dynamodb.Options) {
		o.BaseEndpoint = endpoint("AWS_ENDPOINT_URL_DYNAMODB", o.BaseEndpoint)
	})
	b.lambda = lambda.NewFromConfig(*b.config, func(o *lambda.Options) {
		o.BaseEndpoint = endpoint("AWS_ENDPOINT_URL_LAMBDA", o.BaseEndpoint)
	})
	return b, nil
}

// DynamoDB returns the client of the table, for items of the program itself. A step
// writes them with tasks.Tx[*aws.Tx](ctx).
func (b *Backend) DynamoDB() *dynamodb.Client { return b.dynamo }

// fromEnvironment returns the credentials that Lambda gives to a function. They
// last as long as its process.
func fromEnvironment(context.Context) (sdk.Credentials, error) {
	c := sdk.Credentials{
		AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken: os.Getenv("AWS_SESSION_TOKEN"), Source: "environment",
	}
	if !c.HasKeys() {
		return c, errors.New("AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY is not set")
	}
	return c, nil
}

func endpoint(variable string, configured *string) *string {
	for _, name := range []string{variable, "AWS_ENDPOINT_URL"} {
		if url := os.Getenv(name); url != "" {
			return &url
		}
	}
	return configured
}
