package client_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/client"
)

func inMemory(t *testing.T, ctx context.Context, body io.Reader, h http.HandlerFunc) (*http.Response, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://server.example/path?q=1", body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.InMemory(h).RoundTrip(r)
	if err == nil {
		t.Cleanup(func() { resp.Body.Close() })
	}
	return resp, err
}

func TestInMemory(t *testing.T) {
	t.Parallel()
	resp, err := inMemory(t, t.Context(), strings.NewReader("question"), func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Seen", r.Host+" "+r.RequestURI+" "+string(body))
		w.WriteHeader(http.StatusTeapot)
		w.Header().Set("X-Late", "1")
		_, _ = io.WriteString(w, "answer")
	})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if got, want := resp.Header.Get("X-Seen"), "server.example /path?q=1 question"; got != want {
		t.Errorf("the handler saw %q, want %q", got, want)
	}
	if resp.StatusCode != http.StatusTeapot || string(body) != "answer" || err != nil || resp.Header.Get("X-Late") != "" {
		t.Errorf("response = %d %q %v %v", resp.StatusCode, body, err, resp.Header)
	}
}

// A handler that writes nothing answers 200.
func TestInMemorySilent(t *testing.T) {
	t.Parallel()
	resp, err := inMemory(t, t.Context(), nil, func(http.ResponseWriter, *http.Request) {})
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK || len(body) > 0 || err != nil {
		t.Errorf("response = %d %q %v", resp.StatusCode, body, err)
	}
}

// Request and response flow at the same time.
func TestInMemoryDuplex(t *testing.T) {
	t.Parallel()
	read, write := io.Pipe()
	resp, err := inMemory(t, t.Context(), read, func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
			t.Error(err)
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		lines := bufio.NewScanner(r.Body)
		for lines.Scan() {
			_, _ = io.WriteString(w, strings.ToUpper(lines.Text())+"\n")
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(resp.Body)
	for _, line := range []string{"a", "b"} {
		if _, err := io.WriteString(write, line+"\n"); err != nil {
			t.Fatal(err)
		}
		if !lines.Scan() || lines.Text() != strings.ToUpper(line) {
			t.Errorf("line = %q, want %q", lines.Text(), strings.ToUpper(line))
		}
	}
	write.Close()
	if lines.Scan() {
		t.Errorf("after the end comes %q", lines.Text())
	}
}

// The handler's context ends when the client cancels the request or closes the
// response.
func TestInMemoryCancel(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(context.CancelFunc, *http.Response){
		"cancelled": func(cancel context.CancelFunc, _ *http.Response) { cancel() },
		"closed":    func(_ context.CancelFunc, resp *http.Response) { resp.Body.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			gone := make(chan struct{})
			resp, err := inMemory(t, ctx, nil, func(w http.ResponseWriter, r *http.Request) {
				http.NewResponseController(w).Flush()
				<-r.Context().Done()
				if _, err := io.WriteString(w, "late"); err == nil {
					t.Error("what nobody reads was written")
				}
				close(gone)
			})
			if err != nil {
				t.Fatal(err)
			}
			leave(cancel, resp)
			<-gone
			if _, err := io.ReadAll(resp.Body); err == nil {
				t.Error("the body ends as if it were whole")
			}
		})
	}
	t.Run("before the header", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan struct{})
		_, err := inMemory(t, ctx, nil, func(_ http.ResponseWriter, r *http.Request) {
			cancel()
			<-r.Context().Done()
			close(gone)
		})
		<-gone
		if !errors.Is(err, context.Canceled) {
			t.Errorf("RoundTrip = %v, want %v", err, context.Canceled)
		}
	})
}

// A handler that panics before it has written anything has no response.
func TestInMemoryPanicAtOnce(t *testing.T) {
	t.Parallel()
	_, err := inMemory(t, t.Context(), nil, func(http.ResponseWriter, *http.Request) { panic("out of luck") })
	if err == nil || !strings.Contains(err.Error(), "out of luck") {
		t.Errorf("RoundTrip = %v, want what the panic said", err)
	}
}

// A handler that panics breaks the response off.
func TestInMemoryPanic(t *testing.T) {
	t.Parallel()
	for _, v := range []any{"out of luck", http.ErrAbortHandler} {
		resp, err := inMemory(t, t.Context(), nil, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "half")
			panic(v)
		})
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(resp.Body); string(body) != "half" || err == nil {
			t.Errorf("panic(%v): body = %q, %v, want half of it and an error", v, body, err)
		}
	}
}
