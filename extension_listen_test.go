package mcpengine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/bus"
)

func listenNotes(filter string) string {
	return request("subscriptions/listen", `"notifications":`+filter)
}

// wantNext reads messages of a stream and compares each with a part that it has to
// contain.
func (s *stream) wantNext(parts ...string) {
	s.t.Helper()
	for _, part := range parts {
		if got := s.next(); !strings.Contains(got, part) {
			s.t.Errorf("message %s, want %s in it", got, part)
		}
	}
}

// A field of an extension is acknowledged as far as it is honoured, and changes of
// its keys become notifications of the present state.
func TestExtensionListen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := extensionFixture(quiet())
		s := openStream(t, e, listenNotes(`{"toolsListChanged":true,"noteIds":["a","secret","b-silent","c"],"others":["x"]}`))
		s.wantNext(`"notifications":{"toolsListChanged":true,"noteIds":["a","b-silent","c"]}}`)
		e.Changed("noteIds", "secret")
		e.Changed("noteIds", "b-silent")
		e.Changed("others", "x")
		e.Changed("noteIds", "a")
		s.wantNext(`"method":"notifications/notes","params":{"id":"a","of":"subscriptions/listen","_meta":{"io.modelcontextprotocol/subscriptionId":1}}`)

		synctest.Wait() // the subscription waits for a change
		for range 3 {
			e.Changed("noteIds", "c")
		}
		e.Close()
		s.wantNext(`"id":"c"`, `"result":{"resultType":"complete"`)
		s.wantEnd()
	})
}

// What nobody honours is left out of the acknowledgement.
func TestExtensionListenHonoursNothing(t *testing.T) {
	t.Parallel()
	e := extensionFixture(quiet())
	for _, filter := range []string{`{"others":["x"]}`, `{"noteIds":["secret"]}`, `{"noteIds":[]}`, `{"noteIds":null}`} {
		s := openStream(t, e, listenNotes(filter))
		s.wantNext(`"notifications":{}`)
		s.leave()
	}
}

// A notification that the extension has not announced goes to the log.
func TestExtensionListenUnknownNotification(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log recorder
		e := extensionFixture(mcpengine.WithLogger(log.logger()))
		s := openStream(t, e, listenNotes(`{"noteIds":["unknown","a"]}`))
		s.wantNext("acknowledged")
		e.Changed("noteIds", "unknown")
		synctest.Wait()
		e.Changed("noteIds", "a")
		s.wantNext(`"id":"a"`)
		if got := log.take(); !strings.Contains(got, "notifications/unknown") {
			t.Errorf("log = %q", got)
		}
		s.leave()
	})
}

// A change that comes while the extension is asked what it honours is not lost.
func TestExtensionListenEarlyChange(t *testing.T) {
	t.Parallel()
	for name, early := range map[string]int{"one": 1, "more than are remembered": 1500} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var e *mcpengine.Engine
			x := mcpengine.Extension{ID: notesID, Notifications: []string{"notifications/notes"}}
			x.Listen = []mcpengine.ListenField{mcpengine.NewListenField("ids", mcpengine.ListenHandler[[]string]{
				Accept: func(_ context.Context, asked []string) (honoured, keys []string, err error) {
					for i := range early {
						e.Changed("ids", fmt.Sprint(i))
					}
					return asked, asked, nil
				},
				Notify: func(_ context.Context, key string) (string, any, bool) {
					return "notifications/notes", map[string]string{"id": key}, true
				},
			})}
			e = mcpengine.New("test", quiet(), mcpengine.WithExtension(x))
			s := openStream(t, e, listenNotes(`{"ids":["0"]}`))
			s.wantNext("acknowledged", `"id":"0"`)
			s.leave()
		})
	}
}

// The keys of one subscription are bounded.
func TestExtensionListenTooMuch(t *testing.T) {
	t.Parallel()
	ids := strings.TrimSuffix(strings.Repeat(`"a",`, 1001), ",")
	got := post(t, extensionFixture(quiet()), listenNotes(`{"noteIds":[`+ids+`]}`)).response()
	if !strings.Contains(got, "-32602") || !strings.Contains(got, "1000") {
		t.Errorf("response = %s", got)
	}
}

// Changes reach the subscriptions of other replicas.
func TestExtensionChangedElsewhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		replicas := fleet(t, 2, bus.Memory(), mcpengine.WithExtension(notes()))
		s := openStream(t, replicas[0], listenNotes(`{"noteIds":["a"]}`))
		s.wantNext("acknowledged")
		replicas[1].Changed("noteIds", "a")
		s.wantNext(`"id":"a"`)
		s.leave()
	})
}

// A lasting method names its request in notifications, and ends in good order when
// the engine closes.
func TestLasting(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ params, want string }{
		{``, `"result":{"resultType":"complete"`},
		{`"return":"result"`, `"result":{"rings":2,"resultType":"complete"`},
	} {
		e := extensionFixture(quiet())
		s := openStream(t, e, request("notes/watch", test.params))
		s.wantNext(`"method":"notifications/notes/bell","params":{"rings":1,"_meta":{"io.modelcontextprotocol/subscriptionId":1}}`)
		e.Close()
		s.wantNext(test.want)
		s.wantEnd()
		if got := post(t, e, request("notes/watch", "")).response(); !strings.Contains(got, "the server shuts down") {
			t.Errorf("after Close: %s", got)
		}
	}
}

// Lasting requests hold no place of calls on stdio, and end with the connection.
func TestLastingOverStdio(t *testing.T) {
	t.Parallel()
	c := dialStdio(t, extensionFixture(quiet()))
	for i := range 128 {
		c.write(strings.Replace(request("notes/watch", ""), `"id":1`, fmt.Sprintf(`"id":%d`, i), 1))
		if got := c.read(); !strings.Contains(got, fmt.Sprintf(`"io.modelcontextprotocol/subscriptionId":%d`, i)) {
			t.Fatalf("notification %d = %s", i, got)
		}
	}
	c.write(strings.Replace(request("notes/watch", ""), `"id":1`, `"id":"more"`, 1))
	if got := c.read(); !strings.Contains(got, "no more than 128 subscriptions") {
		t.Errorf("one more = %s", got)
	}
	c.write(strings.Replace(request("notes/list", ""), `"id":1`, `"id":"list"`, 1))
	if got := c.read(); !strings.Contains(got, "milk") {
		t.Errorf("a method beside them = %s", got)
	}
	c.out.Close()
	for results := 0; results < 128; {
		switch got := c.read(); {
		case strings.Contains(got, `"resultType":"complete"`):
			results++
		case !strings.Contains(got, "notifications/cancelled"): // follows each result
			t.Fatalf("at the end = %s", got)
		}
	}
}

// A client has a share of the lasting requests and subscriptions of a server.
func TestLastingIsShared(t *testing.T) {
	t.Parallel()
	e := extensionFixture(quiet())
	for range 5_000 {
		s := openStream(t, e, request("notes/watch", ""))
		s.wantNext("notifications/notes/bell")
		defer s.leave()
	}
	if got := post(t, e, request("notes/watch", "")).response(); !strings.Contains(got, `"code":-32023`) {
		t.Errorf("beyond half of the bound: %s", got)
	}
}
