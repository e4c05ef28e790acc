// Package taskstest tests implementations of the backends of package ext/tasks:
//
//	func TestStore(t *testing.T) { taskstest.Store(t, open(t)) }
package taskstest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/ext/tasks"
)

// Store tests that a store keeps what it is given, changes a record as a whole or
// not at all, and loses no change. The store has to be empty and is left with
// records. Nothing serves it.
func Store(t *testing.T, s tasks.Store) {
	t.Helper()
	tests := []struct {
		name string
		test func(*testing.T, tasks.Store)
	}{
		{"keeps", keeps},
		{"grows", grows},
		{"changes", changes},
		{"unknown", unknown},
		{"conflicts", conflicts},
		{"expired", expired},
		{"list", list},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.test(t, s) })
	}
}

// record returns a task that is not due.
func record(id string) *tasks.Record {
	now := time.Now().Truncate(time.Millisecond).UTC()
	return &tasks.Record{
		ID: id, Owner: "owner of " + id, Status: tasks.InputRequired, Message: "waiting",
		Created: now, Updated: now, Expires: now.Add(time.Hour),
		Settings: tasks.Settings{TTL: time.Hour, Retention: time.Minute, Poll: time.Second, MaxResult: 1000},
		Call:     mcpengine.DetachedCall{Tool: "tool", Arguments: json.RawMessage(`{"a":1}`), Local: true},
		Keys:     2,
	}
}

func create(t *testing.T, s tasks.Store, r *tasks.Record) {
	t.Helper()
	if err := s.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

// check compares a record of the store with what it should be.
func check(t *testing.T, s tasks.Store, want *tasks.Record) {
	t.Helper()
	got, err := s.Get(t.Context(), want.ID)
	if err != nil {
		t.Fatal(err)
	}
	if g, w := text(t, got), text(t, want); !bytes.Equal(g, w) {
		t.Errorf("the record is\n%.2000s\nwant\n%.2000s", g, w)
	}
}

func text(t *testing.T, r *tasks.Record) []byte {
	t.Helper()
	encoded, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

func keeps(t *testing.T, s tasks.Store) {
	r := record("keeps")
	create(t, s, r)
	check(t, s, r)
	if err := s.Delete(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), r.ID); !errors.Is(err, tasks.ErrNotFound) {
		t.Errorf("after Delete: %v", err)
	}
}

// grows has a record with all that makes it large, and takes that away again.
func grows(t *testing.T, s tasks.Store) {
	r := record("grows")
	r.Call.Arguments = json.RawMessage(`{"text":"` + strings.Repeat("å", 300<<10) + `"}`)
	create(t, s, r)
	check(t, s, r)
	entry := func(i, size int) tasks.Entry {
		value, _ := json.Marshal(strings.Repeat(fmt.Sprint(i%10), size))
		return tasks.Entry{Kind: "step", Name: fmt.Sprint(i), Done: true, Value: value}
	}
	for i := range 12 {
		r.Entries = append(r.Entries, entry(i, 60<<10))
	}
	r.Questions = []tasks.Question{{Key: "q.1", Name: "q"}}
	update(t, s, r)
	check(t, s, r)
	r.Entries = append(r.Entries, entry(12, 500<<10))
	r.Entries[3] = entry(3, 10)
	r.Expires = r.Expires.Add(time.Hour)
	update(t, s, r)
	check(t, s, r)
	r.Status, r.Entries, r.Questions = tasks.Completed, nil, nil
	r.Result = json.RawMessage(`"` + strings.Repeat("x", 2<<20) + `"`)
	update(t, s, r)
	check(t, s, r)
	if err := s.Delete(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
}

// update puts a record in the place of the one that is there.
func update(t *testing.T, s tasks.Store, r *tasks.Record) {
	t.Helper()
	got, err := s.Update(t.Context(), r.ID, func(old *tasks.Record) error {
		*old = *r
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text(t, got), text(t, r)) {
		t.Errorf("Update returns\n%.2000s\nwant\n%.2000s", text(t, got), text(t, r))
	}
}

func changes(t *testing.T, s tasks.Store) {
	r := record("changes")
	create(t, s, r)
	wrong := errors.New("wrong")
	for _, fault := range []error{tasks.ErrUnchanged, wrong} {
		got, err := s.Update(t.Context(), r.ID, func(old *tasks.Record) error {
			old.Message = "not written"
			return fault
		})
		switch {
		case errors.Is(fault, wrong) && !errors.Is(err, wrong):
			t.Errorf("Update = %v, want the error of the change", err)
		case errors.Is(fault, tasks.ErrUnchanged) && (err != nil || got == nil):
			t.Errorf("Update without a change = %v, %v", got, err)
		}
		check(t, s, r)
	}
}

func unknown(t *testing.T, s tasks.Store) {
	if _, err := s.Get(t.Context(), "unknown"); !errors.Is(err, tasks.ErrNotFound) {
		t.Errorf("Get = %v", err)
	}
	_, err := s.Update(t.Context(), "unknown", func(*tasks.Record) error {
		t.Error("there is nothing to change")
		return nil
	})
	if !errors.Is(err, tasks.ErrNotFound) {
		t.Errorf("Update = %v", err)
	}
	if err := s.Delete(t.Context(), "unknown"); err != nil {
		t.Errorf("Delete = %v", err)
	}
}

// conflicts changes one record from several sides at once.
func conflicts(t *testing.T, s tasks.Store) {
	r := record("conflicts")
	r.Keys = 0
	create(t, s, r)
	const sides, each = 4, 5
	var all sync.WaitGroup
	for range sides {
		all.Go(func() {
			for range each {
				if _, err := s.Update(t.Context(), r.ID, func(r *tasks.Record) error {
					r.Keys++
					r.Entries = append(r.Entries, tasks.Entry{Kind: "step", Name: fmt.Sprint(r.Keys), Done: true})
					return nil
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	got, err := s.Get(t.Context(), r.ID)
	if err != nil || got.Keys != sides*each || len(got.Entries) != sides*each {
		t.Fatalf("%d keys and %d entries after %d changes, %v", got.Keys, len(got.Entries), sides*each, err)
	}
	for i := range got.Entries {
		if got.Entries[i].Name != fmt.Sprint(i+1) {
			t.Errorf("entry %d is %q", i, got.Entries[i].Name)
		}
	}
}

func expired(t *testing.T, s tasks.Store) {
	now := time.Now()
	for i := range 3 {
		r := record(fmt.Sprint("expired", i))
		if i < 2 {
			r.Expires = now.Add(-time.Minute)
		}
		create(t, s, r)
	}
	ids, err := s.Expired(t.Context(), now, 10)
	slices.Sort(ids)
	if err != nil || !slices.Equal(ids, []string{"expired0", "expired1"}) {
		t.Errorf("Expired = %q, %v", ids, err)
	}
	if ids, err := s.Expired(t.Context(), now, 1); err != nil || len(ids) != 1 {
		t.Errorf("Expired with a limit = %q, %v", ids, err)
	}
}

func list(t *testing.T, s tasks.Store) {
	for i := range 5 {
		r := record(fmt.Sprint("list", i))
		if i < 4 {
			r.Owner = "lister"
		}
		create(t, s, r)
	}
	for after, want := range map[string][]string{"": {"list0", "list1", "list2"}, "list2": {"list3"}, "list3": nil} {
		records, err := s.List(t.Context(), "lister", after, 3)
		var ids []string
		for _, r := range records {
			ids = append(ids, r.ID)
		}
		if err != nil || !slices.Equal(ids, want) {
			t.Errorf("List after %q = %q, %v, want %q", after, ids, err, want)
		}
	}
}
