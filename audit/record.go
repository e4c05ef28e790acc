package audit

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine"
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
	if http := req.HTTP(); http != nil {
		r.Address = http.RemoteAddr
		if host, _, err := net.SplitHostPort(http.RemoteAddr); err == nil {
			r.Address = host
		}
	}
	if u := req.User(); u != nil {
		r.Subject, r.Issuer, r.Client = u.Subject, u.Issuer, u.ClientID
		if t.config.tenant != nil {
			r.Tenant = t.config.tenant(u)
		}
	}
	policy := req.Policy()
	r.Kind, r.Policy, r.Why = policy.Kind, policy.Who, policy.Why
	t.addArguments(&r, req)
	return r
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
	if len(traceparent) > 256 || json.Unmarshal(traceparent, &text) != nil {
		return ""
	}
	parts := strings.Split(text, "-")
	if len(parts) < 4 || len(parts[0]) != 2 || len(parts[1]) != 32 {
		return ""
	}
	if _, err := hex.DecodeString(parts[1]); err != nil {
		return ""
	}
	return parts[1]
}

// addArguments adds the names of the arguments of a tool or prompt, their digest
// and the values that are no secret.
func (t *Trail) addArguments(r *Record, req *mcpengine.Request) {
	var params struct {
		Arguments map[string]json.RawMessage `json:"arguments"`
	}
	if json.Unmarshal(req.Params(), &params) != nil || len(params.Arguments) == 0 {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(params.Arguments)) {
		r.Arguments = append(r.Arguments, bounded(name))
	}
	r.Digest = t.digest(params.Arguments)
	for name := range t.public(req.InputSchema()) {
		value, ok := params.Arguments[name]
		if !ok || len(value) > maxText {
			continue
		}
		if r.Values == nil {
			r.Values = make(map[string]json.RawMessage)
		}
		r.Values[name] = value
	}
}

// digest returns the digest of the arguments in canonical form.
func (t *Trail) digest(arguments map[string]json.RawMessage) string {
	text, err := json.Marshal(arguments)
	if err != nil {
		return ""
	}
	var h hash.Hash
	if t.config.key == nil {
		h = sha256.New()
	} else {
		h = hmac.New(sha256.New, t.config.key)
	}
	h.Write(schema.Canonical(text))
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
