package e2e_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// Bytes that are not HTTP never reach the engine.
func TestMalformedHTTP(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	body := echo().body
	var head strings.Builder
	if err := echo().header.Write(&head); err != nil {
		t.Fatal(err)
	}
	length := fmt.Sprintf("Content-Length: %d\r\n", len(body))
	post := func(line, fields, body string) string {
		return line + "\r\n" + head.String() + fields + "\r\n" + body
	}
	const line = "POST / HTTP/1.1\r\nHost: localhost"
	for _, test := range []struct {
		name, text string
		status     int // of the first answer; 0 stands for none
	}{
		{"nothing", "\r\n\r\n", badRequest},
		{"JSON", body + "\r\n\r\n", badRequest},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", badRequest},
		{"HTTP/0.9", "POST /\r\n\r\n", badRequest},
		{"HTTP/3.0", post("POST / HTTP/3.0\r\nHost: localhost", length, body), http.StatusHTTPVersionNotSupported},
		{"no host", post("POST / HTTP/1.1", length, body), badRequest},
		{"two hosts", post(line+"\r\nHost: evil.example", length, body), badRequest},
		{"host with a blank", post("POST / HTTP/1.1\r\nHost: local host", length, body), badRequest},
		{"field without colon", post(line, length+"X\r\n", body), badRequest},
		{"blank before the colon", post(line, length+"X : y\r\n", body), badRequest},
		{"NUL in a value", post(line, length+"X: \x00\r\n", body), badRequest},
		{"NUL in a name", post(line, length+"X\x00: y\r\n", body), badRequest},
		{"two lengths", post(line, length+"Content-Length: 5\r\n", body), badRequest},
		{"negative length", post(line, "Content-Length: -1\r\n", body), badRequest},
		{"length with a sign", post(line, "Content-Length: +5\r\n", body), badRequest},
		{"endless length", post(line, "Content-Length: 99999999999999999999\r\n", body), badRequest},
		{"length and chunks", post(line, length+"Transfer-Encoding: chunked\r\n", "0\r\n\r\n"), badRequest},
		{"unknown transfer coding", post(line, "Transfer-Encoding: gzip, chunked\r\n", body), http.StatusNotImplemented},
		{"two transfer codings", post(line, "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n"), http.StatusNotImplemented},
		{"malformed chunk", post(line, "Transfer-Encoding: chunked\r\n", "-1\r\n"+body), badRequest},
		{"2 MB of header", post(line, length+"X: "+strings.Repeat("x", 2<<20)+"\r\n", body), http.StatusRequestHeaderFieldsTooLarge},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := f.runs.Load()
			if got := statusOf(t, server, test.text); got != test.status {
				t.Errorf("status = %d, want %d", got, test.status)
			}
			if n := f.runs.Load() - before; n != 0 {
				t.Errorf("handlers ran %d times", n)
			}
			checkAlive(t, f, server)
		})
	}
}

// statusOf returns the status of the answer to a text, and 0 without an answer.
func statusOf(t *testing.T, server *httptest.Server, text string) int {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(3 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	// The server may answer and close before it has taken everything.
	go func() { _, _ = io.WriteString(conn, text) }()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}
