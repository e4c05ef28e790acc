package streamable_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

func chunk(text string) string { return fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(text), text) }

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// echoing answers with the arguments, after as many notifications with them as
// they ask for.
func echoing(_ context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
	args := req.Params.Get("arguments")
	for range bytes.Count(args, []byte("N")) {
		notify(jsonrpc.Notification{Method: "notifications/x", Params: args})
	}
	return result(req, string(args))
}

// Requests share buffers, one after the other. No data of one may show up in
// the next, however the first one ended.
func TestReuseLeaksNothing(t *testing.T) {
	t.Parallel()
	const clients, requests = 16, 60
	for _, test := range []struct {
		name   string
		listen func(*testing.T, http.Handler) *httptest.Server
	}{
		{"HTTP/1.1", listen},
		{"HTTP/2", listen2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := test.listen(t, newServer(echoing))
			server.Client().Transport.(*http.Transport).MaxIdleConnsPerHost = clients
			var wg sync.WaitGroup
			for c := range clients {
				wg.Go(func() {
					for n := range requests {
						if err := echoOnce(t.Context(), server, c, n); err != nil {
							t.Errorf("client %d, request %d: %v", c, n, err)
							return
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

// echoOnce sends the n-th request of a client and checks every byte of the
// answer. Some requests are malformed, some large, some answered by a stream.
func echoOnce(ctx context.Context, server *httptest.Server, client, n int) error {
	id := fmt.Sprintf(`"%d-%d"`, client, n)
	args := fmt.Sprintf(`{"pad":"%s","client":%d,"n":%d}`, strings.Repeat(string(rune('a'+client)), n*n), client, n)
	if n%3 == 1 {
		args = strings.Replace(args, "{", `{"NNN":1,`, 1)
	}
	if n%10 == 9 {
		args = strings.Replace(args, `"pad":"`, `"pad":"`+strings.Repeat(string(rune('A'+client%10)), 100<<10), 1)
	}
	text := fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":{"name":"echo","arguments":%s,%s}}`, id, args, meta)
	response := `{"jsonrpc":"2.0","id":` + id + `,"result":` + args + `}`
	want := response
	if count := strings.Count(args, "N"); count > 0 {
		event := `data: {"jsonrpc":"2.0","method":"notifications/x","params":` + args + "}\n\n"
		want = strings.Repeat(event, count) + "data: " + response + "\n\n"
	}
	if n%7 == 6 {
		text = text[:len(text)/2]
		want = ""
	}
	resp, err := post(ctx, server, strings.NewReader(text))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return err
	case want == "":
		if resp.StatusCode != http.StatusBadRequest || bytes.Contains(got, []byte("pad")) {
			return fmt.Errorf("half a message is answered with %d %.200s", resp.StatusCode, got)
		}
	case string(got) != want:
		return fmt.Errorf("answer %.200s…, want %.200s…", got, want)
	}
	return nil
}

func TestHTTP2(t *testing.T) {
	t.Parallel()
	for n, contentType := range map[int]string{0: "application/json", 2: "text/event-stream"} {
		server := listen2(t, newServer(notifying(n)))
		resp, err := post(t.Context(), server, strings.NewReader(call))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		data, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if resp.ProtoMajor != 2 || resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != contentType {
			t.Errorf("answer %s %d %s, want HTTP/2 200 %s", resp.Proto, resp.StatusCode, resp.Header.Get("Content-Type"), contentType)
		}
		if !bytes.Contains(data, []byte(completed)) {
			t.Errorf("body = %s", data)
		}
	}
}
