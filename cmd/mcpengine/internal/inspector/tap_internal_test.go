package inspector

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/sse"
)

func messages(j *journal) []*message {
	var all []*message
	for n := range j.entries {
		all = append(all, j.entries[n].message)
	}
	return all
}

// A roundTripper answers each request with the same response.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func post(t *testing.T, target, body string, header http.Header) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	return r
}

// No secret is recorded: not one of a header field, whatever it is called, nor one
// of a cookie or of the URL. The request itself is not changed.
func TestSecrets(t *testing.T) {
	t.Parallel()
	tap := &tap{journal: newJournal(10, 1<<20)}
	const key = "s3cr3t"
	header := http.Header{
		"Authorization": {"Bearer " + key}, "Proxy-Authorization": {"Basic " + key}, "Cookie": {"a=" + key},
		"X-Api-Key": {key}, "Ocp-Apim-Subscription-Key": {key}, "X-Amz-Security-Token": {key}, "Mcp-Method": {"ping"},
	}
	var got *http.Request
	transport := tap.http(roundTripper(func(r *http.Request) (*http.Response, error) {
		got = r
		return &http.Response{
			StatusCode: 200, Header: http.Header{"Set-Cookie": {"b=" + key}, "Authentication-Info": {key}, "Content-Type": {"application/json"}},
			Body: io.NopCloser(strings.NewReader(`{"jsonrpc":"2.0","id":1,"result":{}}`)),
		}, nil
	}))
	resp, err := transport.RoundTrip(post(t, "http://user:"+key+"@server.example/mcp?key="+key, `{"jsonrpc":"2.0","id":1,"method":"ping"}`, header))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got.Header.Get("Authorization") != "Bearer "+key || got.URL.Query().Get("key") != key {
		t.Errorf("the server got %v", got.Header)
	}
	lines, _, _, _ := tap.journal.after(0)
	if len(lines) != 2 || bytes.Contains(bytes.Join(lines, nil), []byte(key)) {
		t.Errorf("recorded %q", lines)
	}
	m := tap.journal.find(1)
	if want := "http://…@server.example/mcp?key=…"; m.URL != want || m.Headers["Authorization"] != "Bearer …" || m.Headers["Mcp-Method"] != "ping" {
		t.Errorf("recorded %s %v", m.URL, m.Headers)
	}
}

// What the client reads is what the server sent, and each message is recorded
// once, with the request that it answers.
func TestTapHTTP(t *testing.T) {
	t.Parallel()
	answer := `{"jsonrpc":"2.0","id":7,"result":{"a":1}}`
	progress := `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1}}`
	long := `{"jsonrpc":"2.0","id":7,"result":{"text":"` + strings.Repeat("x", 2*maxRecorded) + `"}}`
	for _, test := range []struct {
		name, contentType, body string
		status                  int
		want                    []string // direction, method, id, status, bytes and error of each
	}{
		{"json", "application/json", answer, 200, []string{fmt.Sprintf("received tools/call 7 200 %d ", len(answer))}},
		{"stream", "text/event-stream", "data: " + progress + "\n\nid: 5\ndata: " + answer + "\n\n", 200, []string{
			fmt.Sprintf("received notifications/progress  200 %d ", len(progress)), fmt.Sprintf("received tools/call 7 200 %d ", len(answer)),
		}},
		{"CRLF", "text/event-stream; charset=utf-8", ": hello\r\ndata: " + answer + "\r\n\r\n", 200, []string{fmt.Sprintf("received tools/call 7 200 %d ", len(answer))}},
		{"data in two lines", "text/event-stream", "data: {\"jsonrpc\":\"2.0\",\ndata: \"id\":7}\n\n", 200, []string{"received tools/call 7 200 25 "}},
		{"no answer", "text/event-stream", "id: 5\ndata:\n\n", 200, []string{"received tools/call  200 0 the stream ended without an answer to the request"}},
		{"accepted", "", "", 202, []string{"received tools/call  202 0 "}},
		{"page", "text/html", "<p>bad gateway", 502, []string{"received tools/call  502 14 "}},
		{"long", "application/json", long, 200, []string{fmt.Sprintf("received tools/call  200 %d truncated", len(long))}},
		{"long in a stream", "text/event-stream", "data: " + long + "\n\n", 200, []string{fmt.Sprintf("received tools/call  200 %d truncated", len(long))}},
	} {
		tap := &tap{journal: newJournal(10, 64<<20)}
		transport := tap.http(roundTripper(func(r *http.Request) (*http.Response, error) {
			if sent, err := io.ReadAll(r.Body); err != nil || r.ContentLength != int64(len(sent)) {
				t.Errorf("%s: the server got %d bytes of %d: %v", test.name, len(sent), r.ContentLength, err)
			}
			return &http.Response{StatusCode: test.status, Header: http.Header{"Content-Type": {test.contentType}}, Body: io.NopCloser(strings.NewReader(test.body))}, nil
		}))
		resp, err := transport.RoundTrip(post(t, "http://server.example/mcp", `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{}}`, http.Header{}))
		if err != nil {
			t.Fatal(err)
		}
		read, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || string(read) != test.body {
			t.Errorf("%s: the client reads %d bytes, want %d: %v", test.name, len(read), len(test.body), err)
		}
		var got []string
		for _, m := range messages(tap.journal)[1:] {
			problem := m.Error
			if m.Truncated {
				problem = "truncated"
			}
			got = append(got, fmt.Sprintf("%s %s %s %d %d %s", m.Direction, m.Method, m.ID, m.Status, m.Bytes, problem))
		}
		for n := range test.want { // of a message that is too long the id may be lost
			if strings.HasSuffix(test.want[n], "truncated") {
				got[n] = strings.Replace(got[n], " 7 ", "  ", 1)
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestTapHTTPError(t *testing.T) {
	t.Parallel()
	tap := &tap{journal: newJournal(10, 1<<20)}
	broken := errors.New("connection refused")
	transport := tap.http(roundTripper(func(*http.Request) (*http.Response, error) { return nil, broken }))
	_, err := transport.RoundTrip(post(t, "http://server.example/mcp", `{}`, http.Header{}))
	if !errors.Is(err, broken) {
		t.Errorf("the client gets %v", err)
	}
	if m := tap.journal.find(2); m == nil || m.Error != broken.Error() || m.Direction != received {
		t.Errorf("recorded %+v", m)
	}
}

// Messages on streams are matched with what they answer, in both directions.
func TestTapStreams(t *testing.T) {
	t.Parallel()
	tap := &tap{journal: newJournal(10, 1<<20)}
	in, out := tap.streams(io.NopCloser(strings.NewReader(
		`{"jsonrpc":"2.0","id":1,"method":"roots/list"}`+"\r\n"+`{"jsonrpc":"2.0","id":1,"result":{}}`+"\n\n"+`not JSON`+"\n",
	)), discard{})
	fmt.Fprintf(out, `{"jsonrpc":"2.0","id":1,"method":"tools/call"}`+"\n")
	if _, err := io.ReadAll(in); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(out, `{"jsonrpc":"2.0","id":1,"result":{"roots":[]}}`+"\n")
	var got []string
	for _, m := range messages(tap.journal) {
		got = append(got, m.Direction+" "+m.Method+" "+m.Exchange+" "+string(m.Body))
	}
	want := []string{
		`sent tools/call x1 {"jsonrpc":"2.0","id":1,"method":"tools/call"}`,
		`received roots/list x2 {"jsonrpc":"2.0","id":1,"method":"roots/list"}`,
		`received tools/call x1 {"jsonrpc":"2.0","id":1,"result":{}}`,
		`received  x3 "not JSON"`,
		`sent roots/list x2 {"jsonrpc":"2.0","id":1,"result":{"roots":[]}}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Close() error                { return nil }

// However a stream is cut into pieces, its messages are the same, and the same that
// the client reads.
func FuzzEventSplitter(f *testing.F) {
	for _, seed := range []string{"data: a\n\n", "data:a\r\ndata: b\r\n\r\n", "id: 1\ndata:\n\n:c\n\ndata: x\n\n", "data: tail"} {
		f.Add([]byte(seed), 1)
		f.Add([]byte(seed), 3)
	}
	f.Fuzz(func(t *testing.T, text []byte, step int) {
		if bytes.Contains(bytes.ReplaceAll(text, []byte("\r\n"), nil), []byte("\r")) || bytes.HasPrefix(text, []byte("\ufeff")) {
			return // lines that end with CR alone are not recorded
		}
		split := func(step int) (all []string) {
			s := eventSplitter{deliver: func(data []byte, size int) {
				if size != len(data) {
					t.Errorf("an event of %d bytes has the size %d", len(data), size)
				}
				all = append(all, string(data))
			}}
			for piece := range slices.Chunk(text, step) {
				s.write(piece)
			}
			return all
		}
		whole := split(max(len(text), 1))
		if diff := cmp.Diff(whole, split(1+(step&0xff))); diff != "" {
			t.Errorf("cut into pieces (-whole +cut):\n%s", diff)
		}
		var want []string
		reader := sse.NewReader(bytes.NewReader(text), 1<<20)
		for {
			e, err := reader.Next()
			if err != nil {
				break
			}
			if len(e.Data) > 0 {
				want = append(want, string(e.Data))
			}
		}
		if diff := cmp.Diff(want, whole); diff != "" {
			t.Errorf("(-reader +splitter):\n%s", diff)
		}
	})
}

// The command that a message becomes is one for a shell, whatever the message
// holds, and has no secret.
func TestCurl(t *testing.T) {
	t.Parallel()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no sh")
	}
	body := `{"jsonrpc":"2.0","id":1,"params":{"text":"it's $HOME ` + "`id`" + ` \\ \"quoted\" $(id)\nü"}}`
	u, err := url.Parse("http://server.example/mcp?a=b'c")
	if err != nil {
		t.Fatal(err)
	}
	m := &message{
		Direction: sent, HTTPMethod: "POST", URL: CleanURL(u),
		Headers: map[string]string{"Authorization": "Bearer …", "X-Api-Key": "…", "Mcp-Param-City": "it's", "Content-Length": "5"},
	}
	if !json.Valid([]byte(strings.ReplaceAll(body, "\n", `\n`))) {
		t.Fatal("the body is not JSON")
	}
	m.setBody([]byte(strings.ReplaceAll(body, "\n", `\n`)), len(body)+1)
	m.Truncated = false
	m.Body = json.RawMessage(strings.ReplaceAll(body, "\n", `\n`))
	cmd := exec.CommandContext(t.Context(), shell, "-c", `curl() { for word; do printf '%s\n' "$word"; done; }; TOKEN=t0k X_API_KEY=k3y; `+m.curl())
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		"-sS", "-N", "-X", "POST", "http://server.example/mcp?a=…", "-H", "Authorization: Bearer t0k", "-H", "Mcp-Param-City: it's",
		"-H", "X-Api-Key: k3y", "--data-binary", string(m.Body), "",
	}, "\n")
	if diff := cmp.Diff(want, string(out)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
