package replicas

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/bus"
	"github.com/mcpengine/mcpengine/internal/seal"
)

func ring(t testing.TB, server string) *seal.Ring {
	t.Helper()
	r, err := seal.NewRing(bytes.Repeat([]byte{1}, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return r.For(server)
}

// A cable is a bus that can be cut for one replica.
type cable struct {
	bus.Bus

	mu  sync.Mutex
	cut context.CancelCauseFunc
	err error
}

func (c *cable) Publish(ctx context.Context, message []byte) error {
	c.mu.Lock()
	err := c.err
	c.mu.Unlock()
	if err != nil {
		return err
	}
	return c.Bus.Publish(ctx, message)
}

func (c *cable) Subscribe(ctx context.Context, ready func(), receive func([]byte)) error {
	c.mu.Lock()
	if c.err != nil {
		defer c.mu.Unlock()
		return c.err
	}
	ctx, c.cut = context.WithCancelCause(ctx)
	c.mu.Unlock()
	err := c.Bus.Subscribe(ctx, ready, receive)
	return errors.Join(context.Cause(ctx), err)
}

// lose cuts the cable until mend is called.
func (c *cable) lose() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = errors.New("the cable is cut")
	c.cut(c.err)
}

func (c *cable) mend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = nil
}

// A replica notes what its link receives.
type replica struct {
	*Link
	cable *cable
	log   *bytes.Buffer

	mu  sync.Mutex
	got []string
}

func (r *replica) note(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, text)
}

// take returns what has been received since the last call.
func (r *replica) take() []string {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	got := r.got
	r.got = nil
	return got
}

func join(t testing.TB, b bus.Bus, server string) *replica {
	t.Helper()
	r := &replica{cable: &cable{Bus: b}, log: new(bytes.Buffer)}
	r.Link = New(r.cable, ring(t, server), slog.New(slog.NewTextHandler(r.log, nil)))
	r.OnChanges(func(entries [][]byte) {
		var texts []string
		for _, e := range entries {
			texts = append(texts, string(e))
		}
		r.note("changed " + strings.Join(texts, " "))
	})
	r.OnReturn(func() { r.note("returned") })
	r.Handle(KindAnswer, func(fields [][]byte) { r.note("answer " + string(bytes.Join(fields, []byte(" ")))) })
	r.Start(t.Context())
	t.Cleanup(r.Close)
	return r
}

func (r *replica) want(t *testing.T, what string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, r.take()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestLink(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bus.Memory()
		one, two, stranger := join(t, b, "server"), join(t, b, "server"), join(t, b, "other")
		synctest.Wait()
		for range 3 {
			one.Changed("a")
		}
		one.want(t, "before the changes are published")
		time.Sleep(coalesce)
		two.want(t, "three changes of one thing", "changed a")
		one.want(t, "the sender's own change")
		stranger.want(t, "another server's change")
		if n := stranger.State().Ignored; n == 0 || strings.Count(stranger.log.String(), "another server") != 1 {
			t.Errorf("%d messages of another server were ignored, with the log:\n%s", n, stranger.log)
		}
		one.Post(t.Context(), "", KindAnswer, []byte("1"), nil, []byte("3"))
		two.want(t, "a message", "answer 1  3")
		if err := b.Publish(t.Context(), []byte("2later")); err != nil {
			t.Fatal(err)
		}
		two.want(t, "a message of another format")
		if !strings.Contains(two.log.String(), "another version") {
			t.Errorf("the log does not say that a message is of another version:\n%s", two.log)
		}
	})
}

// What a replica misses while it is not connected, it gets afterwards: messages
// as they are, and changes as the fact that there may have been some.
func TestReturn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bus.Memory()
		one, two := join(t, b, "server"), join(t, b, "server")
		synctest.Wait()
		two.cable.lose()
		synctest.Wait()
		if state := two.State(); state.Connected || state.Err == nil || state.Since != time.Now() {
			t.Errorf("state after the loss: %+v", state)
		}
		one.Changed("a")
		one.Post(t.Context(), "alice", KindAnswer, []byte("missed"))
		two.Post(t.Context(), "alice", KindAnswer, []byte("unsent"))
		two.Changed("b")
		time.Sleep(time.Minute)
		two.want(t, "while the bus is lost")
		one.want(t, "from a replica without the bus")
		two.cable.mend()
		time.Sleep(2 * maxPause)
		two.want(t, "after the return", "returned", "answer missed")
		one.want(t, "after the return of the other", "changed b", "answer unsent", "answer unsent") // a message may come twice
		if state := two.State(); !state.Connected || state.Err != nil {
			t.Errorf("state after the return: %+v", state)
		}
		if log := two.log.String(); strings.Count(log, "lost:") != 1 || strings.Count(log, "is back:") != 1 {
			t.Errorf("loss and return are not logged once each:\n%s", log)
		}
		time.Sleep(keepTime)
		two.cable.lose()
		synctest.Wait()
		two.cable.mend()
		time.Sleep(2 * maxPause)
		two.want(t, "when messages are too old to be kept", "returned")
	})
}

// More changes than can be told apart are everything, and a message is never
// longer than a bus carries.
func TestManyChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bus.Memory()
		longest := 0
		go func() {
			_ = b.Subscribe(t.Context(), func() {}, func(message []byte) { longest = max(longest, len(message)) })
		}()
		one, two := join(t, b, "server"), join(t, b, "server")
		synctest.Wait()
		for i := range 1000 {
			one.Changed(strings.Repeat("x", 200) + string(rune('a'+i%26)) + string(rune('a'+i/26)))
		}
		time.Sleep(coalesce)
		if got := two.take(); len(got) < 2 || len(strings.Fields(strings.Join(got, " "))) != 1000+len(got) {
			t.Errorf("1000 changes arrive as %d messages", len(got))
		}
		for i := range maxChanges + 1 {
			one.Changed(string(rune(i + 1000)))
		}
		time.Sleep(coalesce)
		two.want(t, "too many changes", "changed "+Everything)
		one.Changed(strings.Repeat("x", MaxContent+1))
		time.Sleep(coalesce)
		two.want(t, "a change too long to be told", "changed "+Everything)
		one.Changed(strings.Repeat("x", MaxContent))
		time.Sleep(coalesce)
		two.take()
		if longest > bus.MaxMessage || longest < MaxContent {
			t.Errorf("the longest message has %d bytes, want at most %d", longest, bus.MaxMessage)
		}
	})
}

// The messages of one caller do not push out another's.
func TestOutboxShares(t *testing.T) {
	t.Parallel()
	var o outbox
	o.wake = make(chan struct{}, 1)
	for i := range 2 * maxKept {
		owner := "flood"
		if i == 0 {
			owner = "alice"
		}
		o.add(&keptMessage{owner: owner, fields: [][]byte{make([]byte, 100)}, until: time.Now().Add(time.Hour)})
	}
	if o.size > maxKeptBytes || o.sizes["alice"] == 0 {
		t.Errorf("the outbox has %d bytes, want at most %d, and alice %d", o.size, maxKeptBytes, o.sizes["alice"])
	}
	o.expire(time.Now().Add(2 * time.Hour))
	if len(o.kept) != 0 || o.size != 0 || len(o.sizes) != 0 {
		t.Errorf("after its time the outbox has %d messages of %d bytes", len(o.kept), o.size)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	now, keys := time.UnixMilli(1_800_000_000_000), ring(t, "server")
	good := message{from: "r", sent: now, kind: KindAnswer, fields: [][]byte{[]byte("x"), {}}}
	if m, err := open(good.sealed(keys), keys, now); err != nil || m.from != "r" || m.kind != KindAnswer || len(m.fields) != 2 {
		t.Errorf("open = %+v, %v", m, err)
	}
	plain := func(text string) []byte { return append([]byte{format}, keys.Seal(sealPurpose, []byte(text), nil)...) }
	for _, tt := range []struct {
		name    string
		message []byte
		now     time.Time
		want    error
	}{
		{"nothing", nil, now, errFormat},
		{"another format", append([]byte{'2'}, good.sealed(keys)[1:]...), now, errFormat},
		{"another server", good.sealed(ring(t, "other")), now, errSeal},
		{"a value of another purpose", append([]byte{format}, keys.Seal("session", []byte("x"), nil)...), now, errSeal},
		{"a message of an hour ago", good.sealed(keys), now.Add(time.Hour), errStale},
		{"a message of the future", good.sealed(keys), now.Add(-time.Hour), errStale},
		{"an empty message", plain(""), now, errMalformed},
		{"a message without a time", plain("\x03"), now, errMalformed},
		{"a field that is cut off", append(append([]byte{format}, nil...), keys.Seal(sealPurpose, append(message{sent: now, kind: 3}.plain(), 9, 'x'), nil)...), now, errMalformed},
	} {
		if _, err := open(tt.message, keys, tt.now); !errors.Is(err, tt.want) {
			t.Errorf("open of %s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

func FuzzParseFields(f *testing.F) {
	f.Add([]byte{1, 'a', 0, 2, 'b', 'c'})
	f.Add([]byte{0x80})
	f.Fuzz(func(t *testing.T, plain []byte) {
		fields, ok := parseFields(plain)
		if !ok {
			return
		}
		var again []byte
		for _, field := range fields {
			again = appendField(again, field)
		}
		parsed, ok := parseFields(again)
		if diff := cmp.Diff(fields, parsed); !ok || diff != "" {
			t.Errorf("the fields of %q change when they are written and read again: %s", plain, diff)
		}
	})
}

// What a message costs a replica that it does not concern.
func BenchmarkReceive(b *testing.B) {
	sender, receiver := New(bus.Memory(), ring(b, "server"), nil), New(bus.Memory(), ring(b, "server"), nil)
	receiver.OnChanges(func([][]byte) {})
	sealed := message{from: sender.self, sent: time.Now(), kind: kindChanges, fields: [][]byte{[]byte("ufile:///a")}}.sealed(sender.keys)
	for b.Loop() {
		receiver.receive(sealed)
	}
}
