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
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/internal/scan"
	"github.com/mcpengine/mcpengine/internal/schema"
	"github.com/mcpengine/mcpengine/mcp"
)

// maxText bounds what a caller can put into one member of a record, in bytes.
const maxText = 1024

// record begins the record of a request.
func (t *Trail) record(req *mcpengine.Request) Record {
	r := Record{
		Time: time.Now(), TraceID: traceID(req.Meta(mcp.MetaTraceParent)), Program: bounded(req.ClientInfo().Name),
		Method: bounded(req.Method()), Feature: req.FeatureName(), Requested: bounded(req.Name()),
	}
	if sent := req.HTTP(); sent != nil {
		r.Address = addressOf(sent)
	}
	t.addUser(&r, req.User())
	policy := req.Policy()
	r.Kind, r.Policy, r.Why = policy.Kind, policy.Who, policy.Why
	t.addArguments(&r, req)
	return r
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
	var text string
	if len(traceparent) == 0 || len(traceparent) > 256 || json.Unmarshal(traceparent, &text) != nil {
		return ""
	}
	parts := strings.Split(text, "-")
	if len(parts) < 4 || !isHex(parts[0], 2) || parts[0] == "ff" || !isHex(parts[1], 32) || strings.Trim(parts[1], "0") == "" {
		return ""
	}
	return parts[1]
}

// isHex reports whether a text has so many hexadecimal digits, in lower case.
func isHex(text string, digits int) bool {
	return len(text) == digits && strings.Trim(text, "0123456789abcdef") == ""
}

// addArguments adds the names of the arguments of a tool or prompt, their digest
// and the values that are no secret.
func (t *Trail) addArguments(r *Record, req *mcpengine.Request) {
	arguments := scan.At(req.Params(), []string{"arguments"})
	public := t.public(req.InputSchema())
	for name, value := range scan.Object(arguments) {
		r.Arguments = append(r.Arguments, bounded(string(name)))
		if public[string(name)] && len(value) <= maxText {
			if r.Values == nil {
				r.Values = make(map[string]json.RawMessage)
			}
			r.Values[string(name)] = bytes.Clone(value)
		}
	}
	if r.Arguments == nil {
		return
	}
	slices.Sort(r.Arguments)
	r.Digest = t.digest(arguments)
}

// digest returns the digest of the arguments in canonical form.
func (t *Trail) digest(arguments []byte) string {
	canonical := schema.Canonical(arguments)
	if t.config.key == nil {
		sum := sha256.Sum256(canonical)
		return hex.EncodeToString(sum[:])
	}
	h := hmac.New(sha256.New, t.config.key)
	h.Write(canonical)
	return hex.EncodeToString(h.Sum(nil))
}

// public returns the arguments that the schema says are no secret.
func (t *Trail) public(text []byte) map[string]bool {
	if text == nil {
		return nil
	}
	if known, ok := t.schemas.Load(&text[0]); ok {
		return known.(map[string]bool)
	}
	var s struct {
		Properties map[string]struct {
			Sensitive *bool `json:"x-sensitive"`
		} `json:"properties"`
	}
	public := make(map[string]bool)
	if json.Unmarshal(text, &s) == nil { // a schema may also be true or false
		for name, property := range s.Properties {
			if property.Sensitive != nil && !*property.Sensitive {
				public[name] = true
			}
		}
	}
	t.schemas.Store(&text[0], public)
	return public
}

// end adds how the request ended.
func (r *Record) end(o *mcpengine.Outcome) {
	r.Allowed, r.Rule, r.Size = o.Allowed, o.Rule, o.Size
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
