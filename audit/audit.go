// Package audit records who asked a server for what, what was decided and why, and
// how it ended: one record for each request, those that are refused included.
//
//	sink, err := audit.File("/var/log/weather/audit.jsonl")
//	e := mcpengine.New("weather", audit.New(sink))
//
// A record has the names of the arguments and a digest of all of them. It has the
// values of those alone that the schema of the tool says are no secret
// ("x-sensitive": false, or the tag sensitive:"false"). Tokens are in no record.
//
// No record is dropped in silence. When a sink cannot take one, requests are
// refused before they have an effect, or the loss is counted and logged, as
// [OnFailure] says.
package audit

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/mcp"
)

// A Record is what is recorded about one request.
type Record struct {
	// Time is when the request arrived, and Duration how long it took.
	Time     time.Time     `json:"time"`
	Duration time.Duration `json:"durationNs"`

	// TraceID is the trace that the client's request belongs to (W3C Trace
	// Context), if it names one.
	TraceID string `json:"traceId,omitzero"`

	// Subject and Issuer are the verified caller, and Client the OAuth client that
	// its token was issued to. All are empty for a caller that is not verified.
	Subject string `json:"subject,omitzero"`
	Issuer  string `json:"issuer,omitzero"`
	Client  string `json:"client,omitzero"`

	// Tenant is what [WithTenant] makes of the caller.
	Tenant string `json:"tenant,omitzero"`

	// Address is the address that the HTTP request came from, which may be a
	// proxy's. Program is how the client introduces itself, unverified.
	Address string `json:"address,omitzero"`
	Program string `json:"program,omitzero"`

	// Method is the method, such as "tools/call". Kind and Feature are the kind and
	// name of the tool, resource, template, prompt or method of an extension;
	// Requested is the name or URI in the request.
	// They are empty for a request that was turned away before its message was
	// read, which has Status and Why.
	Method    string `json:"method"`
	Kind      string `json:"kind,omitzero"`
	Feature   string `json:"feature,omitzero"`
	Requested string `json:"requested,omitzero"`

	// Allowed says that the caller was let pass. Policy and Why are what
	// [mcpengine.Engine.Explain] says: who may use the feature, and the options that
	// decide it. Rule is the rule that refused the caller.
	Allowed bool   `json:"allowed"`
	Policy  string `json:"policy,omitzero"`
	Why     string `json:"why,omitzero"`
	Rule    string `json:"rule,omitzero"`

	// Arguments are the names of the arguments, sorted, and Digest the SHA-256 of
	// all arguments, whose members are sorted and without spaces, or its HMAC with the key of
	// [WithDigestKey]. Values are those that the schema says are no secret.
	Arguments []string                   `json:"arguments,omitzero"`
	Digest    string                     `json:"digest,omitzero"`
	Values    map[string]json.RawMessage `json:"values,omitzero"`

	// Outcome is "ok", "input_required" and other types of results, "tool_error",
	// "denied", "limited" or "error".
	Outcome string `json:"outcome"`

	// Code is the code of a JSON-RPC error, and Status the HTTP status of a request
	// that was turned away before its message was read.
	Code   int `json:"code,omitzero"`
	Status int `json:"status,omitzero"`

	// Size is the length of the answer in bytes.
	Size int `json:"size"`
}

// A Sink takes records. Write is called concurrently, before the answer is sent:
// it should hand the record on and return. An error means that the record is lost.
type Sink interface {
	Write(ctx context.Context, record Record) error
}

// A Func is a [Sink] that is a function.
type Func func(ctx context.Context, record Record) error

// Write implements [Sink].
func (f Func) Write(ctx context.Context, record Record) error { return f(ctx, record) }

// An OnFailure says what happens when a sink fails.
type OnFailure int

// What happens when a sink fails.
const (
	// Refuse refuses requests with -32603 until the sink takes a record again: that
	// of a refused request is the next one it is given. The request whose record is
	// lost has had its effect already.
	Refuse OnFailure = iota

	// Count lets requests pass. [Trail.Lost] counts the records that are lost.
	Count
)

// A Trail records the requests of an engine. It is an [mcpengine.Option].
type Trail struct {
	mcpengine.Option
	config  config
	sink    Sink
	file    *FileSink // the sink, if it is a file
	lost    atomic.Uint64
	failing atomic.Bool
	schemas sync.Map  // of tools: the text of a schema to its properties
	entries sync.Pool // for a file, which keeps no record
}

type config struct {
	onFailure OnFailure
	tenant    func(*auth.User) string
	key       []byte
	only      func(method string) bool
	logger    *slog.Logger
}

// An Option adjusts a [Trail].
type Option func(*config)

// WithOnFailure says what happens when the sink fails. The default is [Refuse].
func WithOnFailure(f OnFailure) Option { return func(c *config) { c.onFailure = f } }

// WithTenant names the tenant that a verified caller belongs to, for example by a
// claim. The default leaves it empty.
func WithTenant(tenant func(*auth.User) string) Option {
	return func(c *config) { c.tenant = tenant }
}

// WithDigestKey makes the digests of arguments HMACs. Without a key, somebody who
// can guess the arguments can tell whether the guess is right.
func WithDigestKey(key []byte) Option { return func(c *config) { c.key = key } }

// WithMethods records only the methods for which the function returns true. The
// method of a request that is turned away before its message is read is "". The
// default is all.
func WithMethods(record func(method string) bool) Option {
	return func(c *config) { c.only = record }
}

// WithLogger logs when the sink begins to fail, and when it works again. The
// default is a logger on standard error.
func WithLogger(logger *slog.Logger) Option { return func(c *config) { c.logger = logger } }

// New returns the trail of an engine, to be given to [mcpengine.New]. Its sink gets
// a record of every request.
func New(sink Sink, opts ...Option) *Trail {
	t := &Trail{sink: sink, config: config{
		only:   func(string) bool { return true },
		logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	}}
	for _, o := range opts {
		o(&t.config)
	}
	t.file, _ = sink.(*FileSink)
	t.Option = mcpengine.Options(mcpengine.WithObserver(t.observe), mcpengine.WithRefusalObserver(t.refused), mcpengine.WithMiddleware(t.guard))
	return t
}

// Lost returns how many records were lost.
func (t *Trail) Lost() uint64 { return t.lost.Load() }

// observe is a [mcpengine.Observer].
func (t *Trail) observe(ctx context.Context, req *mcpengine.Request) (context.Context, func(mcpengine.Outcome)) {
	if !t.config.only(req.Method()) {
		return ctx, nil
	}
	e := t.begin(req)
	return ctx, func(o mcpengine.Outcome) {
		e.record.end(&o)
		t.write(ctx, &e.record)
		t.release(e)
	}
}

// refused records a request that was turned away before its message was read.
func (t *Trail) refused(ctx context.Context, r mcpengine.Refusal) {
	if !t.config.only("") {
		return
	}
	outcome := "denied"
	if r.Status == http.StatusTooManyRequests {
		outcome = "limited"
	}
	record := Record{Time: time.Now(), Address: addressOf(r.Request), Status: r.Status, Why: r.Reason, Outcome: outcome}
	t.addUser(&record, auth.UserFrom(ctx))
	t.write(ctx, &record)
}

// write gives a record to the sink.
func (t *Trail) write(ctx context.Context, record *Record) {
	var err error
	if t.file != nil {
		err = t.file.write(record)
	} else {
		err = t.sink.Write(context.WithoutCancel(ctx), *record)
	}
	switch {
	case err != nil:
		t.lost.Add(1)
		if t.failing.CompareAndSwap(false, true) {
			t.config.logger.ErrorContext(context.WithoutCancel(ctx), "audit: a record was lost", "error", err)
		}
	case t.failing.Load() && t.failing.CompareAndSwap(true, false):
		t.config.logger.InfoContext(context.WithoutCancel(ctx), "audit: records are written again", "lost", t.Lost())
	}
}

// guard is the middleware that refuses requests while records are lost.
func (t *Trail) guard(next mcpengine.MethodHandler) mcpengine.MethodHandler {
	return func(ctx context.Context, req *mcpengine.Request) (mcpengine.Result, error) {
		if t.config.onFailure == Refuse && t.failing.Load() && t.config.only(req.Method()) {
			return mcpengine.Result{}, mcp.Errorf(mcp.CodeInternalError, "the server cannot record requests at the moment and therefore answers none; try again later")
		}
		return next(ctx, req)
	}
}
