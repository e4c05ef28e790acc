package peer_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/peer"
)

// attach connects to a server that is a function: it gets each request and
// writes what it likes.
func attach(t *testing.T, config peer.Config, serve func(id, method string, w io.Writer)) (*peer.Conn, error) {
	t.Helper()
	serverIn, out := io.Pipe()
	in, serverOut := io.Pipe()
	go func() {
		defer serverOut.Close()
		lines := bufio.NewScanner(serverIn)
		for lines.Scan() {
			var m jsonrpc.Message
			_ = m.Parse(lines.Bytes())
			serve(string(m.ID), m.Method, serverOut)
		}
	}()
	return peer.Attach(t.Context(), in, out, config)
}

func answer(w io.Writer, id, result string) {
	fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"result":%s}`+"\n", id, result)
}

const initialized = `{"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{"name":"handshake","version":"1"}}`

// A call waits for the next message that belongs to it, and no longer.
func TestIdle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, err := attach(t, peer.Config{IdleTimeout: time.Minute}, func(id, method string, w io.Writer) {
			switch method {
			case "server/discover":
				answer(w, id, discovered)
			case "slow":
				for range 10 {
					time.Sleep(50 * time.Second) // of the bubble's clock
					fmt.Fprintf(w, `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":%s}}`+"\n", id)
				}
				answer(w, id, `{}`)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Call(t.Context(), peer.Call{Method: "slow"}); err != nil {
			t.Errorf("slow: %v", err)
		}
		start := time.Now()
		_, err = c.Call(t.Context(), peer.Call{Method: "silent"})
		if !errors.Is(err, peer.ErrIdle) || time.Since(start) != time.Minute {
			t.Errorf("silent: %v after %v, want %v after a minute", err, time.Since(start), peer.ErrIdle)
		}
	})
}

// The time that the client takes to answer the server does not count as
// silence.
func TestIdleWhileAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var waiting string
		config := peer.Config{IdleTimeout: time.Minute, Versions: []string{"2025-06-18"}}
		config.OnRequest = func(context.Context, string, []byte) ([]byte, error) {
			time.Sleep(10 * time.Minute) // of the bubble's clock
			return []byte(`{}`), nil
		}
		c, err := attach(t, config, func(id, method string, w io.Writer) {
			switch method {
			case "initialize":
				answer(w, id, initialized)
			case "ask":
				waiting = id
				fmt.Fprintln(w, `{"jsonrpc":"2.0","id":"q","method":"elicitation/create","params":{}}`)
			case "": // the answer
				time.Sleep(50 * time.Second) // of the bubble's clock
				answer(w, waiting, `{}`)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Call(t.Context(), peer.Call{Method: "ask"}); err != nil {
			t.Errorf("ask: %v", err)
		}
		if _, err := c.Call(t.Context(), peer.Call{Method: "silent"}); !errors.Is(err, peer.ErrIdle) {
			t.Errorf("silent: %v", err)
		}
	})
}

// A server that ignores messages before the handshake gets the handshake after a
// while.
func TestSilentProbe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		c, err := attach(t, peer.Config{}, func(id, method string, w io.Writer) {
			if method == "initialize" {
				answer(w, id, initialized)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if c.Version() != "2025-06-18" || time.Since(start) != 5*time.Second {
			t.Errorf("version %s after %v, want 2025-06-18 after 5s", c.Version(), time.Since(start))
		}
	})
}

// A server that is slow to start is not taken for one of a handshake version.
func TestSlowProbe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first := true
		c, err := attach(t, peer.Config{}, func(id, method string, w io.Writer) {
			if first {
				first = false
				time.Sleep(20 * time.Second) // of the bubble's clock
			}
			switch method {
			case "server/discover":
				answer(w, id, discovered)
			case "initialize":
				fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"no"}}`+"\n", id)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if c.Version() != "2026-07-28" {
			t.Errorf("version %s, want 2026-07-28", c.Version())
		}
	})
}

// Text that is not a message is ignored, and so is a response that no call
// waits for.
func TestNoise(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, err := attach(t, peer.Config{}, func(id, method string, w io.Writer) {
			io.WriteString(w, "Server started!\n\n{\"level\":\"info\"}\n[1,{}]\n{\n")
			io.WriteString(w, `{"jsonrpc":"2.0","id":12345,"result":{}}`+"\n"+`{"jsonrpc":"2.0","id":"x","result":{}}`+"\n")
			io.WriteString(w, `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":77}}`+"\n")
			answer(w, id, discovered)
			answer(w, id, `{"again":true}`)
		})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if result, err := c.Call(t.Context(), peer.Call{Method: "tools/list"}); err != nil || string(result) != discovered {
			t.Errorf("Call = %s, %v", result, err)
		}
	})
}

// A log message that a server sends after a response goes to the owner of the
// connection, even while the call is still taking the response.
func TestLogAfterResponse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		logs := make(chan string, 100)
		config := peer.Config{OnNotification: func(n jsonrpc.Notification) { logs <- string(n.Params) }}
		c, err := attach(t, config, func(id, method string, w io.Writer) {
			if method == "server/discover" {
				answer(w, id, discovered)
				return
			}
			const log = `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":%s}}`
			fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"result":{}}`+"\n"+log+"\n", id, id)
		})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for i := range 100 {
			call := peer.Call{Method: "tools/list", OnNotification: func(jsonrpc.Notification) {}}
			if _, err := c.Call(t.Context(), call); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if len(logs) != i+1 {
				t.Fatalf("%d log messages after %d calls", len(logs), i+1)
			}
		}
	})
}

// A message over the limit ends the connection: nobody knows what it answers.
func TestLongLine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, err := attach(t, peer.Config{MaxMessage: 1000}, func(id, method string, w io.Writer) {
			if method == "server/discover" {
				answer(w, id, discovered)
				return
			}
			fmt.Fprintf(w, "%02000d\n", 0)
		})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Call(t.Context(), peer.Call{Method: "tools/list"}); kind(err) != "protocol" {
			t.Errorf("Call: %v", err)
		}
	})
}

// A server over HTTP may leave an unknown method without an answer.
func TestSilentHTTP(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		c, err := peer.Dial(t.Context(), "http://server.example", peer.Config{HTTPClient: &http.Client{Transport: silent{}}})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if c.Version() != "2025-06-18" || time.Since(start) != 20*time.Second {
			t.Errorf("version %s after %v, want 2025-06-18 after 15s and, for the question asked again, 5s", c.Version(), time.Since(start))
		}
	})
}

// silent is a server that answers the handshake only.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	switch id, method := request(r); method {
	case "initialize":
		reply(w, id, initialized)
	case "notifications/initialized":
		w.WriteHeader(http.StatusAccepted)
	default:
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return w.Result(), nil
}

// A person may take minutes to sign in.
func TestSlowSignIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		config := peer.Config{HTTPClient: &http.Client{Transport: polite{}}, Authorizer: slow{}}
		c, err := peer.Dial(t.Context(), "http://server.example", config)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if c.Version() != "2026-07-28" {
			t.Errorf("version %s", c.Version())
		}
	})
}

type slow struct{}

func (slow) Authorize(ctx context.Context, _ *http.Request) error {
	defer peer.AwaitPerson(ctx)()
	select {
	case <-time.After(3 * time.Minute): // of the bubble's clock
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (slow) Challenged(context.Context, *http.Response) (bool, error) { return false, nil }

// polite is a server that answers server/discover.
type polite struct{}

func (polite) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	id, _ := request(r)
	reply(w, id, discovered)
	return w.Result(), nil
}

// A silentServer leaves unanswered what the function says.
type silentServer struct{ silent func(method string) bool }

func (s *silentServer) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	id, method := request(r)
	switch {
	case s.silent(method):
		<-r.Context().Done()
		return nil, r.Context().Err()
	case method == "server/discover":
		reply(w, id, discovered)
	case method == "initialize":
		w.Header().Set("Mcp-Session-Id", "s")
		reply(w, id, initialized)
	case method == "forgotten":
		w.WriteHeader(http.StatusNotFound)
	case id == "":
		w.WriteHeader(http.StatusAccepted)
	default:
		reply(w, id, `{}`)
	}
	return w.Result(), nil
}

// One limit holds for everything that a request takes: connecting, finding out
// what the server speaks, getting credentials and being sent again.
func TestOneLimit(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		silent string // the methods that are not answered, once connected; "*" is all from the beginning
		method string
		auth   peer.Authorizer
	}{
		{"connecting", "*", "", nil},
		{"a call", "tools/list", "tools/list", nil},
		{"connecting anew", "server/discover initialize", "forgotten", nil},
		{"credentials", "", "", stuck{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				connected := false
				server := &silentServer{func(method string) bool {
					return test.silent == "*" || connected && method != "" && strings.Contains(test.silent, method)
				}}
				config := peer.Config{
					HTTPClient: &http.Client{Transport: server}, IdleTimeout: 3 * time.Second,
					Versions: []string{"2025-06-18"}, Authorizer: test.auth,
				}
				began := time.Now()
				c, err := peer.Dial(t.Context(), "http://server.example", config)
				if err == nil {
					defer c.Close()
					connected, began = true, time.Now()
					_, err = c.Call(t.Context(), peer.Call{Method: test.method})
				}
				if !errors.Is(err, peer.ErrIdle) || time.Since(began) != 3*time.Second {
					t.Errorf("%v after %v, want %v after 3 s", err, time.Since(began), peer.ErrIdle)
				}
			})
		})
	}
}

// stuck is an Authorizer that waits for an authorization server, not for a
// person.
type stuck struct{}

func (stuck) Authorize(ctx context.Context, _ *http.Request) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

func (stuck) Challenged(context.Context, *http.Response) (bool, error) { return false, nil }

// A caller that sends a request again has one limit for all attempts. Progress
// restarts it.
func TestWithIdleTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, err := attach(t, peer.Config{IdleTimeout: time.Hour}, func(id, method string, w io.Writer) {
			switch method {
			case "server/discover":
				answer(w, id, discovered)
			case "slow":
				for range 2 {
					time.Sleep(8 * time.Second) // of the bubble's clock
					fmt.Fprintf(w, `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":%s}}`+"\n", id)
				}
				answer(w, id, `{}`)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		ctx, stop := peer.WithIdleTimeout(t.Context(), 10*time.Second)
		defer stop()
		began := time.Now()
		if _, err := c.Call(ctx, peer.Call{Method: "slow"}); err != nil {
			t.Error(err)
		}
		done := peer.AwaitPerson(ctx)
		time.Sleep(time.Hour) // of the bubble's clock: a person
		done()
		for ctx.Err() == nil {
			_, _ = c.Call(ctx, peer.Call{Method: "silent"})
		}
		if took := time.Since(began) - time.Hour; !errors.Is(context.Cause(ctx), peer.ErrIdle) || took != 26*time.Second {
			t.Errorf("%v after %v, want %v after 26 s", context.Cause(ctx), took, peer.ErrIdle)
		}
	})
}
