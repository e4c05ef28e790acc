package aws

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/ext/tasks"
)

// A record is one item, its head, and as many further items as its journal and its
// large values take. DynamoDB takes 400 KB for an item, and 4 MB and 100 items in a
// transaction.
const (
	// maxInline is how large a call, a list of questions or a result may be that
	// stays in the head. The head is written with every change.
	maxInline = 4 << 10

	// maxHead bounds the rest of a record, such as its message.
	maxHead = 200 << 10

	// maxChunk bounds the part of a value that one item holds.
	maxChunk = 350 << 10

	// maxWrite bounds what one change writes, and maxItems the items of it. They
	// leave room for what a step writes in the same transaction.
	maxWrite = 3500 << 10
	maxItems = 75
)

// Names of the values of a record that may have items of their own.
const (
	callPart      = "call"
	questionsPart = "questions"
	resultPart    = "result"
	entryPart     = "entry/" // and its number
)

// A part is a value outside of the head. The change that has written it last is
// part of what identifies it: a reader finds out that it was replaced.
type part struct {
	Rev    int64 `json:"r"`
	Chunks int   `json:"n"`
}

// keys returns the sort keys of the items that hold the part.
func (p part) keys(name string) (keys []string) {
	for i := range p.Chunks {
		keys = append(keys, fmt.Sprintf("%s/%d", name, i))
	}
	return keys
}

func entryName(i int) string { return fmt.Sprintf("%s%04d", entryPart, i) }

// A split is a record as it is kept.
type split struct {
	head  []byte
	parts map[string][]byte
}

// splitRecord takes the journal out of a record, and what is large.
func splitRecord(r *tasks.Record) (split, error) {
	s := split{parts: make(map[string][]byte)}
	rest := *r
	rest.Entries = nil
	for i := range r.Entries {
		text, err := json.Marshal(r.Entries[i])
		if err != nil {
			return s, fmt.Errorf("encode a task: %w", err)
		}
		s.parts[entryName(i)] = text
	}
	var err error
	takeOut := func(name string, value any, remove func()) {
		text, fault := json.Marshal(value)
		if fault != nil {
			err = fault
		}
		if len(text) > maxInline {
			s.parts[name] = text
			remove()
		}
	}
	takeOut(callPart, r.Call, func() { rest.Call = mcpengine.DetachedCall{} })
	takeOut(questionsPart, r.Questions, func() { rest.Questions = nil })
	takeOut(resultPart, r.Result, func() { rest.Result = nil })
	if err == nil {
		s.head, err = json.Marshal(rest)
	}
	switch {
	case err != nil:
		return s, fmt.Errorf("encode a task: %w", err)
	case len(s.head) > maxHead:
		return s, tasks.ErrTooLarge
	}
	return s, nil
}

// join is the reverse of splitRecord.
func (s split) join() (*tasks.Record, error) {
	r := new(tasks.Record)
	err := json.Unmarshal(s.head, r)
	decode := func(text []byte, into any) {
		if err == nil {
			err = json.Unmarshal(text, into)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.parts)) {
		switch text := s.parts[name]; {
		case name == callPart:
			decode(text, &r.Call)
		case name == questionsPart:
			decode(text, &r.Questions)
		case name == resultPart:
			decode(text, &r.Result)
		case strings.HasPrefix(name, entryPart):
			var e tasks.Entry
			decode(text, &e)
			r.Entries = append(r.Entries, e)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("decode a task: %w", err)
	}
	return r, nil
}

// attention returns when somebody has to look at the task if nobody did, and zero
// when it has ended: the table then removes it.
func attention(r *tasks.Record) time.Time {
	switch {
	case r.Status.Ended():
		return time.Time{}
	case !r.Due.IsZero() && r.Due.Before(r.Expires):
		return r.Due
	}
	return r.Expires
}

// removal returns when the table may remove the record. One that nobody ends stays
// as long as one that somebody has ended in time.
func removal(r *tasks.Record) time.Time {
	if r.Status.Ended() {
		return r.Expires
	}
	return r.Expires.Add(r.Settings.Retention)
}

// overdue reports whether the task has waited for its run, or for its end, for
// longer than an invocation takes to begin.
func overdue(status tasks.Status, due, lease, expires, now time.Time) bool {
	switch {
	case status.Ended():
		return false
	case !now.Before(expires):
		return true
	}
	return !due.IsZero() && now.After(due.Add(overdueAfter)) && !now.Before(lease)
}

const overdueAfter = 3 * time.Second
