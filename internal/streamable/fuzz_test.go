package streamable_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/sse"
	"github.com/mcpengine/mcpengine/internal/streamable"
	"github.com/mcpengine/mcpengine/mcp"
)

// FuzzDecodeValue checks that a decoded value is the text itself, or encodes to
// the given text.
func FuzzDecodeValue(f *testing.F) {
	for _, seed := range []string{
		"", "us-west1", "=?base64??=", "=?base64?=", "=?base64?SGVsbG8=?=", "=?base64?SGVsbG8?=", "=?base64?SGVsbG9=?=",
		"=?base64?/w==?=", "=?base64?SGVs\nbG8=?=", "=?BASE64?SGVsbG8=?=", "é", "a\tb", "\x7f",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		text, ok := streamable.DecodeValue(value)
		if !ok {
			return
		}
		if !utf8.ValidString(text) {
			t.Errorf("DecodeValue(%q) = %q, which is not UTF-8", value, text)
		}
		if strings.ContainsFunc(value, func(r rune) bool { return r != '\t' && (r < ' ' || r > '~') }) {
			t.Errorf("DecodeValue(%q) accepts what no field value contains", value)
		}
		if text == value {
			return
		}
		if again := "=?base64?" + base64.StdEncoding.EncodeToString([]byte(text)) + "?="; again != value {
			t.Errorf("DecodeValue(%q) = %q, which encodes to %q", value, text, again)
		}
	})
}

// FuzzCheckParam compares the values of integers with exact arithmetic.
func FuzzCheckParam(f *testing.F) {
	for _, seed := range [][2]string{{"42", "42"}, {"42.0", "42"}, {"1e3", "1000"}, {"-0", "0"}, {"9007199254740993", "9007199254740992"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, header, argument string) {
		if jsonrpc.Valid([]byte(argument)) != nil || strings.TrimSpace(argument) != argument || argument[0] == '"' || strings.HasPrefix(header, "=?") {
			t.Skip("not an integer in a plain header")
		}
		err := streamable.CheckParam([]string{header}, "Mcp-Param-X", "integer", []byte(argument), true)
		if err == nil && header != argument && !sameNumber(header, argument) {
			t.Errorf("header %q passes for the argument %s", header, argument)
		}
	})
}

// FuzzServeHTTP sends an arbitrary request. The answer always has a form that
// the package documents.
func FuzzServeHTTP(f *testing.F) {
	good := "Content-Type: application/json\nAccept: application/json, text/event-stream\n" +
		"Mcp-Protocol-Version: 2026-07-28\nMcp-Method: tools/call\nMcp-Name: echo"
	for _, seed := range []struct{ method, host, header, body string }{
		{"POST", "localhost", good, call},
		{"POST", "localhost", good, notification},
		{"POST", "localhost", good, strings.Replace(call, `"n":1`, `"N":1`, 1)},
		{"POST", "localhost", good, "[" + call + "]"},
		{"POST", "localhost", good, call[:100]},
		{"POST", "localhost", strings.Replace(good, "echo", "=?base64?ZWNobw==?=", 1), call},
		{"POST", "localhost", good + "\nOrigin: https://evil.example", call},
		{"POST", "evil.example", good, call},
		{"GET", "localhost:80", good, ""},
		{"OPTIONS", "[::1]:80", "Origin: http://localhost\nAccess-Control-Request-Method: POST\nAccess-Control-Request-Headers: mcp-param-x, *", ""},
		{"POST", "localhost", good + "\nContent-Encoding: gzip", call},
		{"POST", "localhost", good + "\nX-Declared: 1", call + strings.Repeat(" ", 4<<10)},
		{"POST", "localhost", strings.Replace(good, "tools/call", "tools/list", 1), body("tools/list", "")},
	} {
		f.Add(seed.method, seed.host, seed.header, []byte(seed.body))
	}
	c := config()
	c.MaxBody = 2 << 10
	s := streamable.New(handlerFunc(func(ctx context.Context, req *jsonrpc.Request, notify func(jsonrpc.Notification)) *jsonrpc.Response {
		if req.Method != "tools/call" {
			return jsonrpc.ErrorResponse(req.ID, jsonrpc.Errorf(mcp.CodeMethodNotFound, "%s", req.Method))
		}
		args := req.Params.Get("arguments")
		if args == nil || args[0] != '{' {
			return jsonrpc.ErrorResponse(req.ID, jsonrpc.Malformedf(mcp.CodeInvalidParams, "%s", args))
		}
		return echoing(ctx, req, notify)
	}), c)
	f.Fuzz(func(t *testing.T, method, host, header string, body []byte) {
		r := httptest.NewRequestWithContext(at(t.Context(), loopback), http.MethodPost, "/mcp", bytes.NewReader(body))
		r.Method, r.Host = method, host
		for line := range strings.SplitSeq(header, "\n") {
			name, value, _ := strings.Cut(line, ":")
			r.Header.Add(name, strings.TrimSpace(value))
		}
		if r.Header.Get("X-Declared") == "" {
			r.ContentLength = -1
		}
		w := serve(s, r)
		if err := documented(w); err != nil {
			t.Errorf("%s %q with %q and %q: %v\n%d %v %q", method, host, header, body, err, w.Code, w.Header(), w.Body)
		}
	})
}

// statuses are those a client of the transport has to expect.
var statuses = []int{
	http.StatusOK, http.StatusAccepted, http.StatusNoContent,
	http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed,
	http.StatusNotAcceptable, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType,
}

// documented returns an error for an answer that the package does not document.
func documented(w *httptest.ResponseRecorder) error {
	if !slices.Contains(statuses, w.Code) {
		return errors.New("the status is not documented")
	}
	for name, values := range w.Header() {
		if strings.ContainsAny(name+strings.Join(values, ""), "\r\n") {
			return errors.New("the header has a line break")
		}
	}
	switch w.Header().Get("Content-Type") {
	case "":
		if w.Body.Len() > 0 || w.Code != http.StatusAccepted && w.Code != http.StatusNoContent {
			return errors.New("the body has no type")
		}
		return nil
	case "application/json":
		if w.Code == http.StatusOK != bytes.Contains(w.Body.Bytes(), []byte(`,"result":`)) {
			return errors.New("the status does not fit the message")
		}
		return valid(w.Body.Bytes())
	case "text/event-stream":
		if w.Code != http.StatusOK {
			return errors.New("the stream is an error")
		}
		return validStream(w.Body.Bytes())
	}
	return errors.New("the type is neither JSON nor an event stream")
}

func valid(message []byte) error {
	members, err := jsonrpc.ParseObject(message)
	if err != nil {
		return err
	}
	if string(members.Get("jsonrpc")) != `"2.0"` {
		return errors.New("the message is not JSON-RPC 2.0")
	}
	return nil
}

func validStream(stream []byte) error {
	reader := sse.NewReader(bytes.NewReader(stream), 1<<20)
	for {
		event, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := valid(event.Data); err != nil {
			return err
		}
	}
}

// sameNumber compares two decimal numbers exactly. It reports true for numbers
// whose exponents are too large for exact arithmetic.
func sameNumber(a, b string) bool {
	for _, s := range []string{a, b} {
		if _, exponent, ok := strings.Cut(strings.ToLower(s), "e"); ok && len(exponent) > 4 {
			return true
		}
	}
	x, ok1 := new(big.Rat).SetString(a)
	y, ok2 := new(big.Rat).SetString(b)
	return ok1 && ok2 && x.Cmp(y) == 0
}
