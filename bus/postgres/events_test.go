package postgres_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/bus/postgres"
	"github.com/mcpengine/mcpengine/internal/pgtest"
)

var _ mcpengine.EventStore = (*postgres.Events)(nil)

func eventsAfter(store mcpengine.EventStore, stream string, number uint64) (got []string) {
	for n, data := range store.After(stream, number) {
		got = append(got, fmt.Sprintf("%d %s", n, data))
	}
	return got
}

// What one replica keeps, another one finds. The table comes with the first
// event, whichever replica is first.
func TestEvents(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	url := server.Database(t, "events")
	var replicas []*postgres.Events
	for range 4 {
		replicas = append(replicas, postgres.NewEvents(newPool(t, url), nil))
	}
	var all sync.WaitGroup
	for i, r := range replicas {
		all.Go(func() { r.Append(fmt.Sprintf("stream %d", i), 1, []byte("first")) })
	}
	all.Wait()
	replicas[0].Append("stream 0", 2, []byte("second\x00"))
	replicas[0].End("stream 0")
	for i, r := range replicas {
		if diff := cmp.Diff([]string{"1 first", "2 second\x00"}, eventsAfter(r, "stream 0", 0)); diff != "" {
			t.Errorf("replica %d (-want +got):\n%s", i, diff)
		}
		if got := eventsAfter(r, fmt.Sprintf("stream %d", i), 0); len(got) == 0 {
			t.Errorf("the first event of replica %d is lost", i)
		}
		if got := eventsAfter(r, "stream 0", 2); got != nil {
			t.Errorf("after the last event there is %q", got)
		}
		if got := eventsAfter(r, "stream 0", 1<<63); got != nil {
			t.Errorf("after an event that cannot be there is %q", got)
		}
	}
}

// A database that cannot be reached delays nothing, and is logged once.
func TestEventsWithoutDatabase(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	var log bytes.Buffer
	store := postgres.NewEvents(newPool(t, server.Database(t, "events")), slog.New(slog.NewTextHandler(&log, nil)))
	store.Append("stream", 1, []byte("kept"))
	server.Stop(t)
	for i := range 100 {
		store.Append("stream", uint64(i+2), []byte("lost")) //nolint:gosec // small
	}
	if got := eventsAfter(store, "stream", 0); got != nil {
		t.Errorf("a store without a database has %q", got)
	}
	server.Restart(t)
	for len(eventsAfter(store, "stream", 0)) == 0 {
		if t.Context().Err() != nil {
			t.Fatal(context.Cause(t.Context()))
		}
	}
	if got := eventsAfter(store, "stream", 0); !cmp.Equal(got, []string{"1 kept"}) {
		t.Errorf("after the return there is %q", got)
	}
	if strings.Count(log.String(), "has failed") != 1 || strings.Count(log.String(), "works again") != 1 {
		t.Errorf("failure and return are not logged once each:\n%s", log.String())
	}
}
