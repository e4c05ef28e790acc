package streamable_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/mcpengine/mcpengine/internal/streamable"
	"github.com/mcpengine/mcpengine/mcp"
)

// The limit is exact, whether the length is declared or not.
func TestBodyLimit(t *testing.T) {
	t.Parallel()
	const limit = 512
	for _, test := range []struct {
		size   int
		status int
	}{
		{len(call), http.StatusOK},
		{limit - 1, http.StatusOK},
		{limit, http.StatusOK},
		{limit + 1, http.StatusRequestEntityTooLarge},
		{limit + 2, http.StatusRequestEntityTooLarge},
		{100 * limit, http.StatusRequestEntityTooLarge},
	} {
		for _, chunked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d bytes, chunked %v", test.size, chunked), func(t *testing.T) {
				t.Parallel()
				var h counter
				c := config()
				c.MaxBody = limit
				server := listen(t, streamable.New(&h, c))
				text := call + strings.Repeat(" ", test.size-len(call))
				var body io.Reader = strings.NewReader(text)
				if chunked {
					body = io.MultiReader(body) // of unknown length
				}
				resp, err := post(t.Context(), server, body)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				if resp.StatusCode != test.status {
					t.Errorf("status = %d, want %d", resp.StatusCode, test.status)
				}
				if ran, want := h.runs.Load() == 1, test.status == http.StatusOK; ran != want {
					t.Errorf("the handler ran: %v, want %v", ran, want)
				}
				// The rest of the message is not read.
				if want := test.status != http.StatusOK; resp.Close != want {
					t.Errorf("the connection is closed: %v, want %v", resp.Close, want)
				}
				data, err := io.ReadAll(resp.Body)
				if err != nil {
					t.Fatal(err)
				}
				if m := parse(t, data); test.status != http.StatusOK && !strings.Contains(m.Error.Message, strconv.Itoa(limit)) {
					t.Errorf("the error does not name the limit: %s", data)
				}
			})
		}
	}
}

// Bodies arrive in pieces of any size.
func TestBodyInPieces(t *testing.T) {
	t.Parallel()
	s := newServer(complete)
	for name, body := range map[string]io.Reader{
		"byte by byte":        iotest.OneByteReader(strings.NewReader(call)),
		"halves":              iotest.HalfReader(strings.NewReader(call)),
		"end with the data":   iotest.DataErrReader(strings.NewReader(call)),
		"the length is a lie": strings.NewReader(call),
	} {
		for _, length := range []int64{-1, 1, int64(len(call)), 1 << 20} {
			r := newRequest(t.Context(), "")
			r.Body, r.ContentLength = io.NopCloser(body), length
			if w := serve(s, r); w.Code != http.StatusOK {
				t.Errorf("%s, length %d: status = %d, want 200: %s", name, length, w.Code, w.Body)
			}
			body = strings.NewReader(call)
		}
	}
}

func TestBrokenBody(t *testing.T) {
	t.Parallel()
	var h counter
	r := newRequest(t.Context(), "")
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader(call), iotest.ErrReader(errors.New("secret cause"))))
	w := serve(streamable.New(&h, config()), r)
	wantError(t, w, http.StatusBadRequest, mcp.CodeInvalidRequest, "could not be read")
	if strings.Contains(w.Body.String(), "secret") {
		t.Errorf("the answer tells the cause: %s", w.Body)
	}
	if n := h.runs.Load(); n != 0 {
		t.Errorf("the handler ran %d times", n)
	}
}

const mirrored = "Mcp-Protocol-Version: " + version + "\r\nMcp-Method: tools/call\r\nMcp-Name: echo\r\n"

// A client may close its side of the connection before the message is whole.
func TestTruncatedBody(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, lines, body string }{
		{"length", fmt.Sprintf("Content-Length: %d\r\n", len(call)+1), call},
		{"chunk", "Transfer-Encoding: chunked\r\n", fmt.Sprintf("%x\r\n%s", len(call)+1, call)},
		{"no last chunk", "Transfer-Encoding: chunked\r\n", fmt.Sprintf("%x\r\n%s\r\n", len(call), call)},
		{"malformed chunk", "Transfer-Encoding: chunked\r\n", "x\r\n" + call},
		{"endless chunk", "Transfer-Encoding: chunked\r\n", "ffffffffffffffff\r\n" + call},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var h counter
			server := listen(t, streamable.New(&h, config()))
			conn := dial(t, server)
			if _, err := io.WriteString(conn, raw(test.lines+mirrored, test.body)); err != nil {
				t.Fatal(err)
			}
			if err := conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatalf("no answer: %v", err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != http.StatusBadRequest {
				t.Errorf("status = %d, want 400", resp.StatusCode)
			}
			if n := h.runs.Load(); n != 0 {
				t.Errorf("the handler ran %d times", n)
			}
		})
	}
}

// A client that stops in the middle of its body gets an answer, and its
// connection ends within the time that a message may take.
func TestStalledBody(t *testing.T) {
	t.Parallel()
	const limit = 1 << 10
	declared := func(n int) string { return fmt.Sprintf("Content-Length: %d\r\n", n) }
	chunked := "Transfer-Encoding: chunked\r\n"
	tooLarge := fmt.Sprintf("%x\r\n%s\r\n", 2*limit, strings.Repeat(" ", 2*limit))
	for _, test := range []struct {
		name, text string
		status     int
	}{
		{"nothing of it", raw(mirrored+declared(100), ""), http.StatusRequestTimeout},
		{"half of it", raw(mirrored+declared(len(call)), call[:50]), http.StatusRequestTimeout},
		{"half a chunk", raw(mirrored+chunked, "64\r\n{"), http.StatusRequestTimeout},
		{"no last chunk", raw(mirrored+chunked, "1\r\n{\r\n"), http.StatusRequestTimeout},
		{"declared too large", raw(mirrored+declared(2*limit), ""), http.StatusRequestEntityTooLarge},
		{"too large in a chunk", raw(mirrored+chunked, tooLarge), http.StatusRequestEntityTooLarge},
		{"wrong method", strings.Replace(raw(mirrored+declared(100), ""), "POST", "PUT", 1), http.StatusMethodNotAllowed},
		{"wrong type", strings.Replace(raw(mirrored+declared(100), ""), "/json\r\n", "/xml\r\n", 1), http.StatusUnsupportedMediaType},
		{"wrong Accept", strings.Replace(raw(mirrored+declared(100), ""), "text/event-stream", "text/html", 1), http.StatusNotAcceptable},
		{"wrong Host", strings.Replace(raw(mirrored+declared(100), ""), "localhost", "evil.example", 1), http.StatusForbidden},
		{"preflight", strings.Replace(raw(mirrored+declared(100), ""), "POST", "OPTIONS", 1), http.StatusNoContent},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var h counter
			c := config()
			c.MaxBody, c.IOTimeout = limit, 250*time.Millisecond
			conn := dial(t, listen(t, streamable.New(&h, c)))
			if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(conn, test.text); err != nil {
				t.Fatal(err)
			}
			in := bufio.NewReader(conn)
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatalf("no answer: %v", err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != test.status {
				t.Errorf("status = %d, want %d", resp.StatusCode, test.status)
			}
			if _, err := io.Copy(io.Discard, resp.Body); err != nil {
				t.Fatalf("half an answer: %v", err)
			}
			// A reset is fine too: the client has not sent the whole body that
			// it announced.
			if _, err := in.ReadByte(); err == nil || isTimeout(err) {
				t.Errorf("the connection stays open after the answer (%v): its goroutine waits for the rest of the body", err)
			}
			if n := h.runs.Load(); n != 0 {
				t.Errorf("the handler ran %d times", n)
			}
		})
	}
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && timeout.Timeout()
}

// The time limit is on the message: a handler may take longer.
func TestSlowHandlerKeepsItsConnection(t *testing.T) {
	t.Parallel()
	c := config()
	c.IOTimeout = 100 * time.Millisecond
	server := listen(t, streamable.New(slowly(5*c.IOTimeout), c))
	for range 2 {
		resp, err := post(t.Context(), server, strings.NewReader(call))
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || parse(t, data).Error.Code != 0 {
			t.Fatalf("answer %s (%v), want a result", data, err)
		}
	}
}

// RFC 9110, section 10.1.1: a request that is refused by its header need not be
// sent in full.
func TestRefusedBodyIsNotAskedFor(t *testing.T) {
	t.Parallel()
	server := listen(t, newServer(complete))
	for _, test := range []struct {
		name, text string
		status     int
	}{
		{"accepted", raw(mirrored+fmt.Sprintf("Content-Length: %d\r\nExpect: 100-continue\r\n", len(call)), ""), http.StatusContinue},
		{"wrong Origin", raw(mirrored+"Origin: https://evil.example\r\nContent-Length: 100\r\nExpect: 100-continue\r\n", ""), http.StatusForbidden},
		{"too large", raw(mirrored+"Content-Length: 9999999\r\nExpect: 100-continue\r\n", ""), http.StatusRequestEntityTooLarge},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			conn := dial(t, server)
			if _, err := io.WriteString(conn, test.text); err != nil {
				t.Fatal(err)
			}
			in := bufio.NewReader(conn)
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatalf("no answer: %v", err)
			}
			resp.Body.Close()
			if resp.StatusCode != test.status {
				t.Fatalf("first status = %d, want %d", resp.StatusCode, test.status)
			}
			if test.status != http.StatusContinue {
				return
			}
			if _, err := io.WriteString(conn, call); err != nil {
				t.Fatal(err)
			}
			if resp, err = http.ReadResponse(in, nil); err != nil {
				t.Fatalf("no answer to the body: %v", err)
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				t.Errorf("status = %d, want 200", resp.StatusCode)
			}
		})
	}
}

// A declared length costs nothing until the bytes are sent.
func TestDeclaredLengthIsNotAllocated(t *testing.T) {
	const declared = 256 << 20
	c := config()
	c.MaxBody = declared
	s := streamable.New(handlerFunc(complete), c)
	r := newRequest(t.Context(), call)
	r.ContentLength = declared
	got := allocated(func() { serve(s, r) })
	if want := uint64(declared / 8); got > want {
		t.Errorf("a message of %d bytes that announces %d allocates %d, want at most %d", len(call), declared, got, want)
	}
}
