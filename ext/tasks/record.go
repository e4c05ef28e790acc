package tasks

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/mcp"
)

// A Status is the state of a task.
type Status string

// The states of a task. It never leaves the last three.
const (
	Working       Status = "working"
	InputRequired Status = "input_required"
	Completed     Status = "completed"
	Failed        Status = "failed"
	Cancelled     Status = "cancelled"
)

// Ended reports whether the task has come to its end.
func (s Status) Ended() bool { return s == Completed || s == Failed || s == Cancelled }

// A Record is all that is known of a task. It encodes as JSON; a [Store] keeps
// that, and what it needs of the fields beside it.
type Record struct {
	ID    string `json:"id"`
	Owner string `json:"owner,omitzero"` // a digest of who may see the task

	Status  Status    `json:"status"`
	Message string    `json:"message,omitzero"` // for people
	Created time.Time `json:"created"`
	Updated time.Time `json:"updated"`

	// Revision counts the changes of the record.
	Revision int64 `json:"revision"`

	// Expires is when the task ends, if it has not ended by itself, and when a
	// task that has ended is deleted.
	Expires time.Time `json:"expires"`

	// Due is when the task has to be run, and zero when there is nothing to run: it
	// has ended or waits for answers. It stays while the task runs. A store that
	// writes another Due than before, and not zero, schedules a run in the same
	// transaction.
	Due time.Time `json:"due,omitzero"`

	// Run is the number of the last run that has begun, and Lease the time until
	// which that run counts as alive; zero when none is under way.
	Run   int64     `json:"run,omitzero"`
	Lease time.Time `json:"lease,omitzero"`

	// Stalled counts the last runs that were handed over without a step that was
	// done.
	Stalled int `json:"stalled,omitzero"`

	// Cancel says that the client has asked for the end of the task.
	Cancel bool `json:"cancel,omitzero"`

	Settings Settings               `json:"settings"`
	Call     mcpengine.DetachedCall `json:"call"`
	Progress *Progress              `json:"progress,omitzero"`

	// Entries are the journal, Keys counts the keys that questions were given, and
	// Questions are those that wait for answers.
	Entries   []Entry    `json:"entries,omitzero"`
	Keys      int        `json:"keys,omitzero"`
	Questions []Question `json:"questions,omitzero"`

	Result json.RawMessage `json:"result,omitzero"` // of a completed task
	Error  *mcp.Error      `json:"error,omitzero"`  // of a failed one
}

// Settings are what a task has taken over from its tool.
type Settings struct {
	TTL       time.Duration `json:"ttl"`
	Retention time.Duration `json:"retention"`
	Poll      time.Duration `json:"poll"`
	MaxResult int           `json:"maxResult"` // in bytes
}

// A Progress is what the handler has reported last.
type Progress struct {
	Progress float64 `json:"progress"`
	Total    float64 `json:"total,omitzero"`
	Message  string  `json:"message,omitzero"`
}

// Kinds of entries.
const (
	kindStep   = "step"
	kindSleep  = "sleep"
	kindAnswer = "answer"
)

// An Entry is one thing that a handler has done, or has begun.
type Entry struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
	Done bool   `json:"done,omitzero"`

	Value json.RawMessage `json:"value,omitzero"` // of a step, or the answer
	Error *mcp.Error      `json:"error,omitzero"` // of a step that has failed for good

	// Attempts counts the runs of a step that has not succeeded yet. Next is when
	// it is tried again, or when a sleep ends.
	Attempts int       `json:"attempts,omitzero"`
	Next     time.Time `json:"next,omitzero"`
}

// A Question waits for an answer of the client, which knows it by its key.
type Question struct {
	Key     string           `json:"key"`
	Name    string           `json:"name"` // that the handler knows it by
	Request mcp.InputRequest `json:"request"`
}

// touch notes that the record changes.
func (r *Record) touch(now time.Time) {
	r.Revision++
	r.Updated = now
}

// end brings the task to its end. What only runs need is dropped, among it the
// identity of the caller.
func (r *Record) end(status Status, message string, now time.Time) {
	r.Status, r.Message = status, message
	r.Expires = now.Add(r.Settings.Retention)
	r.Due, r.Lease, r.Cancel = time.Time{}, time.Time{}, false
	r.Entries, r.Questions, r.Progress = nil, nil, nil
	r.Call = mcpengine.DetachedCall{Tool: r.Call.Tool, Arguments: json.RawMessage("{}")}
}

func (r *Record) complete(result json.RawMessage, now time.Time) {
	r.end(Completed, "", now)
	r.Result = result
}

func (r *Record) fail(err *mcp.Error, now time.Time) {
	r.end(Failed, err.Message, now)
	r.Error = err
}

// expire ends a task that has not ended in its time.
func (r *Record) expire(now time.Time) {
	r.fail(mcp.Errorf(mcp.CodeInternalError, "the task has not ended within its time of %v", r.Settings.TTL), now)
}

// ownerOf returns a digest of the caller: the person or program, and the client.
// Callers that are not verified have none; they need the id, which cannot be
// guessed.
func ownerOf(u *auth.User) string {
	if u == nil {
		return ""
	}
	digest := sha256.Sum256([]byte(u.ID() + "\x00" + u.ClientID))
	return base64.RawURLEncoding.EncodeToString(digest[:])
}
