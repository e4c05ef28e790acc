package audit

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/scan"
	"github.com/mcpengine/mcpengine/internal/schema"
	"github.com/mcpengine/mcpengine/mcp"
)

// maxText bounds what a caller can put into one member of a record, in bytes.
const maxText = 1024

// An entry is a record that is being made, and the memory for that.
type entry struct {
	record    Record
	names     [8]string // of arguments
	canonical []byte
}

// begin begins the record of a request.
func (t *Trail) begin(req *mcpengine.Request) *entry {
	e := t.newEntry()
	e.record = Record{
		Time: req.Received(), TraceID: traceID(req.Meta(mcp.MetaTraceParent)), Program: bounded(req.ClientInfo().Name),
		Method: bounded(req.Method()), Feature: req.FeatureName(), Requested: bounded(req.Name()),
	}
	if sent := req.HTTP(); sent != nil {
		e.record.Address = addressOf(sent)
	}
	t.addUser(&e.record, req.User())
	policy := req.Policy()
	e.record.Kind, e.record.Policy, e.record.Why = policy.Kind, policy.Who, policy.Why
	t.addArguments(e, req)
	if t.file != nil {
		t.file.open.Add(1)
	}
	return e
}

// newEntry returns an entry, which is used again if the sink is a file.
func (t *Trail) newEntry() *entry {
	if t.file != nil {
		if e, ok := t.entries.Get().(*entry); ok {
			return e
		}
	}
	return new(entry)
}

// release is called when the record has been written.
func (t *Trail) release(e *entry) {
	if t.file != nil {
		t.file.open.Add(-1)
		e.record = Record{}
		clear(e.names[:])
		t.entries.Put(e)
	}
}

// addUser adds who is calling.
func (t *Trail) addUser(r *Record, u *auth.User) {
	if u == nil {
		return
	}
	r.Subject, r.Issuer, r.Client = u.Subject, u.Issuer, u.ClientID
	if t.config.tenant != nil {
		r.Tenant = t.config.tenant(u)
	}
}

// addressOf returns where a request came from, without the port.
func addressOf(r *http.Request) string {
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return host
	}
	return r.RemoteAddr
}

func bounded(s string) string {
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText], "") + "…"
}

// traceID returns the trace of a traceparent as JSON, and "" for one that is not
// valid (W3C Trace Context, "traceparent Header Field Values").
func traceID(traceparent []byte) string {
	if len(traceparent) > 256 {
		return ""
	}
	version, rest, _ := strings.Cut(jsonrpc.Text(traceparent), "-")
	trace, rest, _ := strings.Cut(rest, "-")
	if !isHex(version, 2) || version == "ff" || !isHex(trace, 32) || !strings.Contains(rest, "-") || strings.Trim(trace, "0") == "" {
		return ""
	}
	return trace
}

// isHex reports whether a text has so many hexadecimal digits, in lower case.
func isHex(text string, digits int) bool {
	return len(text) == digits && strings.Trim(text, "0123456789abcdef") == ""
}

// addArguments adds the names of the arguments of a tool or prompt, their digest
// and the values that are no secret.
func (t *Trail) addArguments(e *entry, req *mcpengine.Request) {
	arguments := req.Arguments()
	r, known := &e.record, t.propertiesOf(req.InputSchema())
	if t.file != nil {
		r.Arguments = e.names[:0]
	}
	for name, value := range scan.Object(arguments) {
		p, ok := known[string(name)]
		if !ok {
			p.name = bounded(string(name))
		}
		r.Arguments = append(r.Arguments, p.name)
		if p.public && len(value) <= maxText {
			if r.Values == nil {
				r.Values = make(map[string]json.RawMessage)
			}
			r.Values[p.name] = bytes.Clone(value)
		}
	}
	if len(r.Arguments) == 0 {
		r.Arguments = nil
		return
	}
	slices.Sort(r.Arguments)
	e.canonical = schema.AppendCanonical(e.canonical[:0], arguments)
	r.Digest = t.digest(e.canonical)
	if cap(e.canonical) > maxKept {
		e.canonical = nil
	}
}

// maxKept bounds the memory that is kept for the next record.
const maxKept = 64 << 10

// digest returns the digest of the arguments, given their canonical form.
func (t *Trail) digest(canonical []byte) string {
	var text [2 * sha256.Size]byte
	if t.config.key == nil {
		sum := sha256.Sum256(canonical)
		hex.Encode(text[:], sum[:])
		return string(text[:])
	}
	h := hmac.New(sha256.New, t.config.key)
	h.Write(canonical)
	hex.Encode(text[:], h.Sum(nil))
	return string(text[:])
}

// A property is what a schema says about an argument.
type property struct {
	name   string
	public bool // it is no secret
}

// propertiesOf returns the arguments that the schema names.
func (t *Trail) propertiesOf(text []byte) map[string]property {
	if text == nil {
		return nil
	}
	if known, ok := t.schemas.Load(&text[0]); ok {
		return known.(map[string]property)
	}
	var s struct {
		Properties map[string]struct {
			Sensitive *bool `json:"x-sensitive"`
		} `json:"properties"`
	}
	known := make(map[string]property)
	if json.Unmarshal(text, &s) == nil { // a schema may also be true or false
		for name, p := range s.Properties {
			if len(name) <= maxText {
				known[name] = property{name, p.Sensitive != nil && !*p.Sensitive}
			}
		}
	}
	t.schemas.Store(&text[0], known)
	return known
}

// end adds how the request ended.
func (r *Record) end(o *mcpengine.Outcome) {
	r.Allowed, r.Rule, r.Size, r.Duration = o.Allowed, o.Rule, o.Size, o.Duration
	switch {
	case !o.Allowed:
		r.Outcome = "denied"
	case o.Error != nil && o.Error.Code == mcp.CodeRateLimited:
		r.Outcome = "limited"
	case o.Error != nil:
		r.Outcome = "error"
	case o.IsError:
		r.Outcome = "tool_error"
	case o.ResultType == mcp.ResultTypeComplete:
		r.Outcome = "ok"
	default:
		r.Outcome = string(o.ResultType)
	}
	if o.Error != nil {
		r.Code = o.Error.Code
	}
}
