package limit_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/mcpengine/mcpengine/bus/redis/internal/redistest"
	"github.com/mcpengine/mcpengine/bus/redis/limit"
	"github.com/mcpengine/mcpengine/mcp"
)

// Two replicas count a caller together, and however many requests come at once, no
// more than allowed pass.
func TestReplicasCountTogether(t *testing.T) {
	t.Parallel()
	s := redistest.New(t)
	replicas := []*limit.Limiter{limit.New(s.Client(t)), limit.New(s.Client(t))}
	const allowed = 5 // one more is earned in 12 seconds
	for _, caller := range []string{"ann", "ben"} {
		var passed, refused atomic.Int32
		var all sync.WaitGroup
		began := time.Now()
		for i := range 40 {
			all.Go(func() {
				wait, err := replicas[i%2].Take(t.Context(), caller, allowed)
				switch {
				case err != nil:
					t.Errorf("%s: %v", caller, err)
				case wait == 0:
					passed.Add(1)
				case wait > 0 && wait <= 12*time.Second:
					refused.Add(1)
				default:
					t.Errorf("%s has to wait for %v", caller, wait)
				}
			})
		}
		all.Wait()
		earned := int32(time.Since(began) / (12 * time.Second))
		if n := passed.Load(); n < allowed || n > allowed+earned || n+refused.Load() != 40 {
			t.Errorf("%s: %d passed and %d were refused, want %d to pass", caller, n, refused.Load(), allowed)
		}
	}
}

// Redis keeps one short key for each caller, without its name, and no longer than
// the caller's requests count.
func TestManyCallers(t *testing.T) {
	t.Parallel()
	s := redistest.New(t)
	client := s.Client(t)
	l := limit.New(client, limit.WithPrefix("count:"))
	const tenants = 10_000
	var all sync.WaitGroup
	for part := range 8 {
		all.Go(func() {
			for i := part; i < tenants; i += 8 {
				if wait, err := l.Take(t.Context(), fmt.Sprintf("user %d at %s", i, strings.Repeat("x", 500)), 60); wait != 0 || err != nil {
					t.Errorf("caller %d: %v, %v", i, wait, err)
					return
				}
			}
		})
	}
	all.Wait()
	keys, err := client.Keys(t.Context(), "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	if len(keys) > tenants {
		t.Errorf("%d keys of %d callers", len(keys), tenants)
	}
	if len(keys) == 0 {
		if _, err := l.Take(t.Context(), "late", 1); err != nil { // the others have expired on a slow machine
			t.Fatal(err)
		}
		keys = client.Keys(t.Context(), "*").Val()
	}
	for _, key := range keys[:min(len(keys), 100)] {
		ttl, err := client.PTTL(t.Context(), key).Result()
		if !strings.HasPrefix(key, "count:") || len(key) > 40 || err != nil || ttl > time.Minute || ttl == -1 {
			t.Errorf("the key %q lives for %v, %v", key, ttl, err)
		}
	}
}

// A clock of Redis that has stepped back makes nobody wait for longer than a new
// caller would have to.
func TestClockStepsBack(t *testing.T) {
	t.Parallel()
	s := redistest.New(t)
	client := s.Client(t)
	l := limit.New(client)
	if _, err := l.Take(t.Context(), "ann", 2); err != nil {
		t.Fatal(err)
	}
	keys := client.Keys(t.Context(), "*").Val()
	if len(keys) != 1 {
		t.Fatalf("keys %q, want one", keys)
	}
	later := time.Now().Add(time.Hour).UnixMicro() // as the key stands when the clock has gone back an hour
	if err := client.Set(t.Context(), keys[0], later, time.Hour).Err(); err != nil {
		t.Fatal(err)
	}
	if wait, err := l.Take(t.Context(), "ann", 2); wait != 30*time.Second || err != nil {
		t.Errorf("wait %v, %v, want 30s", wait, err)
	}
}

// Without Redis the limiter fails, in a way that says whether others may count.
func TestAway(t *testing.T) {
	t.Parallel()
	s := redistest.New(t)
	s.Kill()
	if _, err := limit.New(s.Client(t)).Take(t.Context(), "ann", 1); err == nil {
		t.Error("Take returns no error without a server")
	} else if _, ok := errors.AsType[*mcp.Error](err); ok {
		t.Errorf("%v refuses requests", err)
	}
	_, err := limit.New(s.Client(t), limit.RefuseWithoutRedis()).Take(t.Context(), "ann", 1)
	if refusal, ok := errors.AsType[*mcp.Error](err); !ok || refusal.Code != mcp.CodeInternalError || strings.Contains(refusal.Message, "127.0.0.1") {
		t.Errorf("%v: the client gets %v", err, refusal)
	}
	if !strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("%v does not say why", err)
	}
}

// A Redis that accepts connections and never answers delays a request no longer than
// its context allows.
func TestSilentRedis(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	client := redis.NewClient(&redis.Options{Addr: listener.Addr().String(), ReadTimeout: time.Hour, DialTimeout: time.Hour})
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := limit.New(client).Take(ctx, "ann", 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Take: %v, want the end of the context", err)
	}
}
