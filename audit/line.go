package audit

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/schema"
)

// A line is the JSON of a record on one line, as encoding/json encodes it, in a
// quarter of the time.
type line []byte

// add begins a member.
func (l *line) add(name string) {
	if (*l)[len(*l)-1] != '{' {
		*l = append(*l, ',')
	}
	*l = append(append(append(*l, '"'), name...), '"', ':')
}

func (l *line) addText(name, text string) {
	l.add(name)
	*l = jsonrpc.AppendString(*l, text)
}

// addGiven is addText unless the text is empty.
func (l *line) addGiven(name, text string) {
	if text != "" {
		l.addText(name, text)
	}
}

func (l *line) addInt(name string, n int64) {
	l.add(name)
	*l = strconv.AppendInt(*l, n, 10)
}

// appendTo appends the record.
func (r *Record) appendTo(l *line) error {
	*l = append(*l, '{')
	l.add("time")
	*l = append(r.Time.AppendFormat(append(*l, '"'), time.RFC3339Nano), '"')
	l.addInt("durationNs", int64(r.Duration))
	l.addGiven("traceId", r.TraceID)
	l.addGiven("subject", r.Subject)
	l.addGiven("issuer", r.Issuer)
	l.addGiven("client", r.Client)
	l.addGiven("tenant", r.Tenant)
	l.addGiven("address", r.Address)
	l.addGiven("program", r.Program)
	l.addText("method", r.Method)
	l.addGiven("kind", r.Kind)
	l.addGiven("feature", r.Feature)
	l.addGiven("requested", r.Requested)
	l.add("allowed")
	*l = strconv.AppendBool(*l, r.Allowed)
	l.addGiven("policy", r.Policy)
	l.addGiven("why", r.Why)
	l.addGiven("rule", r.Rule)
	if err := l.addArguments(r); err != nil {
		return err
	}
	l.addText("outcome", r.Outcome)
	if r.Code != 0 {
		l.addInt("code", int64(r.Code))
	}
	if r.Status != 0 {
		l.addInt("status", int64(r.Status))
	}
	l.addInt("size", int64(r.Size))
	*l = append(*l, '}')
	return nil
}

func (l *line) addArguments(r *Record) error {
	if r.Arguments != nil {
		l.add("arguments")
		*l = append(*l, '[')
		for i, name := range r.Arguments {
			if i > 0 {
				*l = append(*l, ',')
			}
			*l = jsonrpc.AppendString(*l, name)
		}
		*l = append(*l, ']')
	}
	l.addGiven("digest", r.Digest)
	if r.Values == nil {
		return nil
	}
	l.add("values")
	*l = append(*l, '{')
	for _, name := range slices.Sorted(maps.Keys(r.Values)) {
		value, err := schema.Compact(r.Values[name])
		if err != nil {
			return fmt.Errorf("encode the value of %s: %w", name, err)
		}
		if (*l)[len(*l)-1] != '{' {
			*l = append(*l, ',')
		}
		*l = append(append(jsonrpc.AppendString(*l, name), ':'), value...)
	}
	*l = append(*l, '}')
	return nil
}
