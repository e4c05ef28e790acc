//go:build unix

package http1_test

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Responses that say one thing are read.
func TestResponses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, answer string
		status       int
		body         string
	}{
		{"a length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, "{}"},
		{"what follows the length is not read", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1", 200, "{}"},
		{"no reason", "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n{}", 200, "{}"},
		{"a field in lower case", "HTTP/1.1 200 OK\r\ncontent-length:2\r\n\r\n{}", 200, "{}"},
		{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;x=y\r\n}\r\n0\r\n\r\n", 200, "{}"},
		{"a trailer", "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\n{}\r\n0\r\nX-Sum: 1\r\n\r\n", 200, "{}"},
		{"until the end", "HTTP/1.1 200 OK\r\nConnection: x, Close\r\n\r\n{}", 200, "{}"},
		{"an older server", "HTTP/1.0 200 OK\r\n\r\n{}", 200, "{}"},
		{"interim responses", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, "{}"},
		{"no content has none", "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n{}", 204, ""},
		{"an error", "HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nbad", 400, "bad"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			transport, _ := answering(tt.answer)
			status, body, err := send(transport, request(t, t.Context(), "http://server.example/mcp", "{}"))
			if err != nil || status != tt.status || body != tt.body {
				t.Errorf("got %d %q (%v), want %d %q", status, body, err, tt.status, tt.body)
			}
		})
	}
}

// Responses that two readers could understand differently, or that never end,
// are refused.
func TestHostileResponses(t *testing.T) {
	t.Parallel()
	ok := "HTTP/1.1 200 OK\r\n"
	chunked := ok + "Transfer-Encoding: chunked\r\n\r\n"
	tests := []struct{ name, answer, want string }{
		{"nothing", "", "unexpected EOF"},
		{"half a head", ok + "Content-Le", "unexpected EOF"},
		{"no HTTP", "SSH-2.0-OpenSSH_9\r\n\r\n", "does not begin a response"},
		{"HTTP/2", "HTTP/2.0 200 OK\r\n\r\n", "does not begin a response"},
		{"a status of two digits", "HTTP/1.1 20 OK\r\n\r\n", "not a status line"},
		{"a status with a sign", "HTTP/1.1 +20 OK\r\n\r\n", "not a status line"},
		{"a status below 100", "HTTP/1.1 099 OK\r\n\r\n", "not a status line"},
		{"a control character in the reason", "HTTP/1.1 200 O\x01K\r\n\r\n", "not a status line"},
		{"a line feed alone", "HTTP/1.1 200 OK\n\n", "CRLF"},
		{"a carriage return alone", ok + "X: a\rY: b\r\n\r\n", "not a field"},
		{"NUL", ok + "X: a\x00\r\n\r\n", "not a field"},
		{"a folded line", ok + "X: a\r\n b\r\n\r\n", "not a field"},
		{"a space before the colon", ok + "Content-Length : 2\r\n\r\n{}", "not a field"},
		{"no name", ok + ": a\r\n\r\n", "not a field"},
		{"no colon", ok + "X\r\n\r\n", "not a field"},
		{"a length and chunks", ok + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}", "another way"},
		{"two codings", ok + "Transfer-Encoding: gzip, chunked\r\n\r\n", "another way"},
		{"two fields of codings", ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "another way"},
		{"chunks of HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "another way"},
		{"two lengths", ok + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", "not one number"},
		{"a list of lengths", ok + "Content-Length: 2, 2\r\n\r\n{}", "not one number"},
		{"a length with a sign", ok + "Content-Length: +2\r\n\r\n{}", "not one number"},
		{"a negative length", ok + "Content-Length: -2\r\n\r\n{}", "not one number"},
		{"a huge length", ok + "Content-Length: 99999999999999999999\r\n\r\n{}", "not one number"},
		{"an empty length", ok + "Content-Length:\r\n\r\n{}", "not one number"},
		{"another protocol", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "changes the protocol"},
		{"interim responses without end", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 100), "more than 5"},
		{"many fields", ok + strings.Repeat("X: a\r\n", 300) + "\r\n", "more than 256"},
		{"a long head", ok + strings.Repeat("X: "+strings.Repeat("a", 1000)+"\r\n", 66) + "\r\n", "more than 65536 bytes"},
		{"a line without end", ok + strings.Repeat("a", 70<<10), "more than 65536 bytes"},
		{"a short body", ok + "Content-Length: 3\r\n\r\n{}", "unexpected EOF"},
		{"no last chunk", chunked + "2\r\n{}\r\n", "unexpected EOF"},
		{"half a chunk", chunked + "3\r\n{}", "unexpected EOF"},
		{"a chunk longer than it says", chunked + "1\r\n{}\r\n0\r\n\r\n", "does not end where it should"},
		{"a chunk of no size", chunked + "\r\n{}\r\n0\r\n\r\n", "does not begin a chunk"},
		{"a size with a sign", chunked + "+2\r\n{}\r\n0\r\n\r\n", "does not begin a chunk"},
		{"a size with a prefix", chunked + "0x2\r\n{}\r\n0\r\n\r\n", "does not begin a chunk"},
		{"a size with a space", chunked + "2 \r\n{}\r\n0\r\n\r\n", "does not begin a chunk"},
		{"a huge size", chunked + "ffffffffffffffff\r\n{}\r\n0\r\n\r\n", "does not begin a chunk"},
		{"a size of many digits", chunked + "0000000000000002\r\n{}\r\n0\r\n\r\n", "does not begin a chunk"},
		{"a size that ends in a line feed", chunked + "2\n{}\r\n0\r\n\r\n", "CRLF"},
		{"a carriage return in an extension", chunked + "2;a\rb\r\n{}\r\n0\r\n\r\n", "does not begin a chunk"},
		{"a long extension", chunked + "2;" + strings.Repeat("a", 300) + "\r\n{}\r\n0\r\n\r\n", "too long"},
		{"a trailer that is none", chunked + "0\r\nX\r\n\r\n", "not a field"},
		{"a long trailer", chunked + "0\r\n" + strings.Repeat("X: a\r\n", 400) + "\r\n", "more than 2048 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			transport, _ := answering(tt.answer)
			status, body, err := send(transport, request(t, t.Context(), "http://server.example/mcp", "{}"))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %d %.64q (%v), want an error with %q", status, body, err, tt.want)
			}
		})
	}
}

// What is accepted net/http reads the same.
func FuzzResponse(f *testing.F) {
	f.Add("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
	f.Add("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n1;a=b\r\n{\r\n1\r\n}\r\n0\r\nX: a\r\n\r\n")
	f.Add("HTTP/1.0 404 Not Found\r\nx: a\r\nX:b \r\nConnection: close\r\n\r\nabc")
	f.Add("HTTP/1.1 204 No Content\r\ncontent-length: 10\r\n\r\n")
	f.Fuzz(func(t *testing.T, answer string) {
		if len(answer) > 8<<10 {
			return // there net/http may tire of extensions before
		}
		transport, _ := answering(answer)
		got, err := transport.RoundTrip(request(t, t.Context(), "http://server.example/mcp", "{}"))
		if err != nil {
			return
		}
		defer got.Body.Close()
		body, err := io.ReadAll(got.Body)
		source := bufio.NewReader(strings.NewReader(answer))
		var want *http.Response
		for want == nil || want.StatusCode < 200 {
			var readErr error
			if want, readErr = http.ReadResponse(source, got.Request); readErr != nil {
				t.Fatalf("net/http refuses what is accepted: %v", readErr)
			}
		}
		defer want.Body.Close()
		wantBody, wantErr := io.ReadAll(want.Body)
		if string(body) != string(wantBody) && (err == nil || !strings.HasPrefix(string(wantBody), string(body))) {
			t.Errorf("body %q (%v), want %q (%v)", body, err, wantBody, wantErr)
		}
		if err == nil && wantErr != nil {
			t.Errorf("the body is complete, and for net/http it is not: %v", wantErr)
		}
		if wantErr == nil && errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("the body is cut short, and for net/http it is complete")
		}
		if got.StatusCode != want.StatusCode || got.Status != want.Status || got.ProtoMinor != want.ProtoMinor {
			t.Errorf("%s %s, want %s %s", got.Proto, got.Status, want.Proto, want.Status)
		}
		delete(want.Header, "Trailer")
		delete(got.Header, "Trailer")
		delete(want.Header, "Cache-Control") // which net/http adds for Pragma
		delete(got.Header, "Cache-Control")
		if diff := cmp.Diff(want.Header, got.Header); diff != "" {
			t.Errorf("fields (-net/http +got):\n%s", diff)
		}
	})
}
