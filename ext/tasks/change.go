package tasks

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/mcp"
)

// This file has what clients do with tasks, whatever form they do it in.

// errUnknown answers ids that are unknown, of other callers, or expired, all
// alike.
var errUnknown = mcp.Errorf(mcp.CodeInvalidParams, "Task not found")

// errStore is what the client learns when the store is full, read-only or down.
var errStore = mcp.Errorf(mcp.CodeInternalError, "tasks cannot be kept at the moment: try again later")

// errLarge is what the client learns when it sends more than the store takes.
var errLarge = mcp.Errorf(mcp.CodeInvalidParams, "this is more than a task can hold: send less, or where it is")

// storeError hides the cause of a fault of the store, which goes to the log.
func (t *Tasks) storeError(ctx context.Context, doing string, err error) error {
	if err == nil || isPublic(err) {
		return err
	}
	switch {
	case errors.Is(err, ErrNotFound):
		return errUnknown
	case errors.Is(err, ErrTooLarge):
		return errLarge
	}
	t.logger.ErrorContext(ctx, "the store of tasks failed", "doing", doing, "error", err)
	return errStore
}

func isPublic(err error) bool {
	_, ok := errors.AsType[*mcp.Error](err)
	return ok
}

func newRecord(call mcpengine.DetachedCall, s Settings, entries []Entry) *Record {
	now := time.Now()
	return &Record{
		ID: rand.Text(), Owner: ownerOf(call.User), Status: Working,
		Created: now, Updated: now, Expires: now.Add(s.TTL), Due: now,
		Settings: s, Call: call, Entries: entries,
	}
}

// create stores a new task and has it run. It is durable when create returns.
func (t *Tasks) create(ctx context.Context, r *Record) error {
	if err := t.admit(ctx, r); err != nil {
		return t.storeError(ctx, "count", err)
	}
	return t.storeError(ctx, "create", t.backend.Create(ctx, r))
}

// callerOf returns the digest of the caller of the request that ctx belongs to.
func callerOf(ctx context.Context) string { return ownerOf(auth.UserFrom(ctx)) }

// get returns the caller's task.
func (t *Tasks) get(ctx context.Context, id string) (*Record, error) {
	r, err := t.backend.Get(ctx, id)
	if err != nil {
		return nil, t.storeError(ctx, "get", err)
	}
	return r, visible(r, callerOf(ctx))
}

// visible returns an error unless the owner may see the task.
func visible(r *Record, owner string) error {
	if r.Owner != owner || r.Status.Ended() && !time.Now().Before(r.Expires) {
		return errUnknown
	}
	return nil
}

// answer gives a task answers to its questions, under their keys. Keys of no
// outstanding question are ignored (tasks, "Task Update Requests"). An answer of
// a wrong form is refused, and all that came with it.
func (t *Tasks) answer(ctx context.Context, id string, answers map[string]json.RawMessage) error {
	owner := callerOf(ctx)
	_, err := t.update(ctx, id, func(r *Record) error {
		if err := visible(r, owner); err != nil {
			return err
		}
		taken := false
		for _, q := range slices.Clone(r.Questions) {
			answer, ok := answers[q.Key]
			if !ok {
				continue
			}
			if err := mcpengine.CheckAnswer(ctx, q.Request, answer); err != nil {
				return wrongAnswer(q.Key, err)
			}
			taken = true
			r.Entries = append(r.Entries, Entry{Kind: kindAnswer, Name: q.Name, Done: true, Value: answer})
			r.Questions = slices.DeleteFunc(r.Questions, func(open Question) bool { return open.Key == q.Key })
		}
		if !taken {
			return ErrUnchanged
		}
		if len(r.Questions) == 0 {
			r.Status, r.Due = Working, time.Now()
		}
		return nil
	})
	return t.storeError(ctx, "answer", err)
}

// wrongAnswer names the question whose answer is refused.
func wrongAnswer(key string, err error) error {
	public, ok := errors.AsType[*mcp.Error](err)
	if !ok {
		return err
	}
	return mcp.Errorf(public.Code, "inputResponses[%.64q]: %s", key, public.Message)
}

// cancel asks for the end of a task. One that does not run ends at once, and so does
// any if the client wants it: what its handler still does is lost then.
func (t *Tasks) cancel(ctx context.Context, id string, atOnce bool) error {
	owner := callerOf(ctx)
	_, err := t.update(ctx, id, func(r *Record) error {
		now := time.Now()
		if err := visible(r, owner); err != nil {
			return err
		}
		switch {
		case r.Status.Ended(), r.Cancel && !atOnce:
			return ErrUnchanged
		case now.Before(r.Lease) && !atOnce:
			r.Cancel = true
		default:
			r.end(Cancelled, errCancelled.Error(), now)
		}
		return nil
	})
	return t.storeError(ctx, "cancel", err)
}

// resultOf returns the result of a task that has completed, in place or, if it is
// larger than the tool allows, as a link to it.
func resultOf(r *Record) json.RawMessage {
	if len(r.Result) <= r.Settings.MaxResult {
		return r.Result
	}
	link, err := json.Marshal(mcp.CallToolResult{Content: mcp.ContentBlocks{
		mcp.TextContent{Text: fmt.Sprintf("The result has %d bytes. Read it from the resource %s.", len(r.Result), resultURI(r.ID))},
		mcp.ResourceLink{URI: resultURI(r.ID), Name: "result", MIMEType: "application/json"},
	}})
	if err != nil {
		return r.Result // it cannot be
	}
	return link
}

func resultURI(id string) string { return "task://" + id + "/result" }
