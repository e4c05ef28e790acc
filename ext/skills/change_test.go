package skills_test

import (
	"bytes"
	"io/fs"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/ext/skills"
	"github.com/mcpengine/mcpengine/mcp"
	"github.com/mcpengine/mcpengine/mcptest"
)

// A changingFS is a folder whose files change.
type changingFS struct {
	now   atomic.Pointer[fstest.MapFS]
	opens atomic.Int64
}

func (c *changingFS) Open(name string) (fs.File, error) {
	c.opens.Add(1)
	return c.now.Load().Open(name)
}

// set changes files, and removes those without content.
func (c *changingFS) set(files map[string]string) {
	next := fstest.MapFS{}
	if now := c.now.Load(); now != nil {
		maps.Copy(next, *now)
	}
	for name, content := range files {
		if delete(next, name); content != "" {
			next[name] = &fstest.MapFile{Data: []byte(content), Mode: 0o644, ModTime: time.Now()}
		}
	}
	c.now.Store(&next)
}

// A logBuffer is a log that may be read while it is written.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.buf.Reset()
	return l.buf.String()
}

// serveChanging serves a folder that changes in the bubble of a test.
func serveChanging(t *testing.T, opts ...skills.Option) (*changingFS, *mcpengine.Engine) {
	t.Helper()
	fsys := &changingFS{}
	fsys.set(map[string]string{"a/SKILL.md": skillMD("a", ""), "a/x.md": "one", "b/SKILL.md": skillMD("b", "")})
	x, err := skills.New(fsys, opts...)
	e := serve(t, x, err, mcpengine.WithLogger(slog.New(slog.DiscardHandler)))
	if uris, _ := names(t, e, ""); len(uris) != 2 {
		t.Fatalf("skills: %q", uris)
	}
	return fsys, e
}

func TestChangesAreNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fsys, e := serveChanging(t)
		defer e.Close()
		time.Sleep(time.Second)
		fsys.set(map[string]string{"a/x.md": "", "a/y.md": "two", "b/SKILL.md": "", "c/SKILL.md": skillMD("c", "")})
		if uris, _ := names(t, e, ""); len(uris) != 2 || uris[1] != "skill://b/SKILL.md" {
			t.Errorf("before the poll: %q", uris)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		uris, _ := names(t, e, "")
		if diff := cmp.Diff([]string{"skill://a/SKILL.md", "skill://c/SKILL.md"}, uris); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if _, text, _ := contents(t, e, "skill://a/y.md"); text != "two" {
			t.Errorf("a/y.md: %q", text)
		}
		refused(t, e, "resources/read", `"uri":"skill://a/x.md"`)
		refused(t, e, "skills/get", `"uri":"skill://b/SKILL.md"`)
	})
}

// A client that holds an entry reads what the entry describes or finds out that
// it has changed, also before the next poll and with the same modification time.
func TestReadsNoticeChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fsys, e := serveChanging(t, skills.WithPolling(time.Hour))
		defer e.Close()
		digest := func() string {
			var r struct{ Skill listed }
			want(t, e, "skills/get", `"uri":"skill://a/SKILL.md"`, &r)
			return r.Skill.Resources[1].Digest
		}
		before := digest()
		fsys.set(map[string]string{"a/x.md": "two"}) // at the same time, and as long
		if _, text, _ := contents(t, e, "skill://a/x.md"); text != "two" {
			t.Errorf("a/x.md: %q", text)
		}
		if after := digest(); after == before {
			t.Errorf("the entry did not change with the file")
		}
		fsys.set(map[string]string{"a/x.md": ""})
		refused(t, e, "resources/read", `"uri":"skill://a/x.md"`)
	})
}

func TestFaultyChangesAreNotServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logBuffer
		fsys, e := serveChanging(t, skills.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
		defer e.Close()
		time.Sleep(time.Second)
		fsys.set(map[string]string{"a/SKILL.md": skillMD("x", ""), "c/SKILL.md": skillMD("c", "")})
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if got := log.take(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "level=WARN") || !strings.Contains(got, `a/SKILL.md:2: the name is \"x\"`) {
			t.Errorf("the log has %q", got)
		}
		if uris, _ := names(t, e, ""); len(uris) != 2 {
			t.Errorf("skills: %q", uris)
		}
		// The new text has no entry, so that nobody could verify it.
		if a := ask(t, e, "resources/read", `"uri":"skill://a/SKILL.md"`); a.Error == nil || a.Error.Code != -32603 {
			t.Errorf("a/SKILL.md: %s", a.Result)
		}
		// Readers do not have the folder looked at each time.
		opened := fsys.opens.Load()
		for range 10 {
			ask(t, e, "resources/read", `"uri":"skill://a/SKILL.md"`)
		}
		if n := fsys.opens.Load() - opened; n != 10 {
			t.Errorf("10 reads opened %d files and folders", n)
		}
		fsys.set(map[string]string{"a/SKILL.md": skillMD("a", "license: MIT\n")})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if uris, _ := names(t, e, ""); len(uris) != 3 {
			t.Errorf("skills: %q", uris)
		}
		if _, text, _ := contents(t, e, "skill://a/SKILL.md"); !strings.Contains(text, "license") {
			t.Errorf("a/SKILL.md: %q", text)
		}
	})
}

func TestClientsHearOfChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fsys, e := serveChanging(t)
		c := mcptest.New(e)
		var received []string
		done := make(chan struct{})
		go func() {
			defer close(done)
			filter := mcp.SubscriptionFilter{ResourcesListChanged: true, ResourceSubscriptions: []string{"skill://a/x.md", "skill://a/SKILL.md"}}
			for change, err := range c.Listen(t.Context(), filter) {
				if err != nil {
					return
				}
				received = append(received, strings.TrimPrefix(change.Method, "notifications/")+" "+change.URI)
			}
		}()
		synctest.Wait()
		fsys.set(map[string]string{"a/x.md": "other"})
		time.Sleep(3 * time.Second)
		fsys.set(map[string]string{"a/SKILL.md": skillMD("a", "license: MIT\n"), "a/new.md": "new"})
		time.Sleep(3 * time.Second)
		synctest.Wait()
		e.Close()
		c.Close()
		<-done
		if diff := cmp.Diff([]string{
			"subscriptions/acknowledged ", "resources/updated skill://a/x.md",
			"resources/list_changed ", "resources/updated skill://a/SKILL.md",
		}, received); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

func TestFilesWithoutTimesAreNotPolled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fsys := &changingFS{}
		files := acme()
		fsys.now.Store(&files)
		x, err := skills.New(fsys)
		e := serve(t, x, err)
		names(t, e, "")
		opened := fsys.opens.Load()
		time.Sleep(time.Hour)
		if n := fsys.opens.Load(); n != opened {
			t.Errorf("%d files and folders were opened", n-opened)
		}
		e.Close()
	})
}

// An unchanged folder is looked at and not read.
func TestPollingReadsNothingTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fsys, e := serveChanging(t)
		defer e.Close()
		opened := fsys.opens.Load()
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if n := fsys.opens.Load() - opened; n > 6 { // the root and two folders, stat and list
			t.Errorf("a poll opened %d files and folders", n)
		}
		opened = fsys.opens.Load()
		e.Close()
		time.Sleep(time.Hour)
		if n := fsys.opens.Load(); n != opened {
			t.Errorf("%d files and folders were opened after Close", n-opened)
		}
	})
}

func TestAnExtensionBelongsToOneEngine(t *testing.T) {
	x, err := skills.New(acme())
	e := serve(t, x, err)
	names(t, e, "")
	other := serve(t, x, nil, mcpengine.WithLogger(slog.New(slog.DiscardHandler)))
	if a := ask(t, other, "skills/list", ""); a.Status != 503 {
		t.Errorf("the second engine answers with %d %s", a.Status, a.Result)
	}
}
