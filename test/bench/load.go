package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/test/internal/wire"
)

// connections is how many requests are under way at a time.
const connections = 8

// A load sends one prepared request over and over on its connections. It reads
// just enough of HTTP to find the end of an answer, so that the server and not
// the load is what a round measures.
type load struct {
	request     []byte
	connections []*connection
}

func dialLoad(ctx context.Context, address string, request wire.Request) (*load, error) {
	l := &load{request: request.Raw(address)}
	for range connections {
		c, err := dial(ctx, address)
		if err != nil {
			return nil, errors.Join(err, l.close())
		}
		l.connections = append(l.connections, c)
	}
	return l, nil
}

func (l *load) close() error {
	var errs []error
	for _, c := range l.connections {
		errs = append(errs, c.conn.Close())
	}
	return errors.Join(errs...)
}

// run keeps every connection busy for d and returns how many requests were
// answered. An answer other than 200 ends the round with an error.
func (l *load) run(d time.Duration) (int, error) {
	deadline := time.Now().Add(d)
	counts := make([]int, len(l.connections))
	errs := make([]error, len(l.connections))
	var workers sync.WaitGroup
	for i, c := range l.connections {
		workers.Go(func() { counts[i], errs[i] = c.repeat(l.request, deadline) })
	}
	workers.Wait()
	total := 0
	for _, n := range counts {
		total += n
	}
	return total, errors.Join(errs...)
}

// A connection is a keep-alive connection to the server.
type connection struct {
	conn   net.Conn
	reader *bufio.Reader
}

func dial(ctx context.Context, address string) (*connection, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("dial server: %w", err)
	}
	return &connection{conn, bufio.NewReaderSize(conn, 64<<10)}, nil
}

func (c *connection) repeat(request []byte, deadline time.Time) (int, error) {
	n := 0
	for n == 0 || time.Now().Before(deadline) {
		got, err := c.exchange(request, io.Discard)
		if err != nil {
			return n, err
		}
		if got.status != 200 {
			return n, fmt.Errorf("status %d during the measurement", got.status)
		}
		n++
	}
	return n, nil
}

// once sends a request and returns the whole answer.
func (c *connection) once(request wire.Request) (answer, error) {
	var body bytes.Buffer
	got, err := c.exchange(request.Raw(c.conn.RemoteAddr().String()), &body)
	if err != nil {
		return answer{}, err
	}
	contentType := "application/json"
	if got.events {
		contentType = "text/event-stream"
	}
	return answer{got.status, contentType, got.session, body.Bytes()}, nil
}

// A head is what the load needs of a response head.
type head struct {
	status  int
	length  int // -1 when chunked
	events  bool
	chunked bool
	session string
}

func (c *connection) exchange(request []byte, body io.Writer) (head, error) {
	if _, err := c.conn.Write(request); err != nil {
		return head{}, fmt.Errorf("send request: %w", err)
	}
	h, err := c.readHead()
	if err != nil {
		return head{}, fmt.Errorf("read response head: %w", err)
	}
	if h.chunked {
		err = c.copyChunks(body)
	} else {
		err = c.copyN(body, h.length)
	}
	if err != nil {
		return head{}, fmt.Errorf("read response body: %w", err)
	}
	return h, nil
}

func (c *connection) readHead() (head, error) {
	line, err := c.readLine()
	if err != nil {
		return head{}, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return head{}, fmt.Errorf("status line %q", line)
	}
	h := head{}
	if h.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return head{}, fmt.Errorf("status line %q: %w", line, err)
	}
	for {
		line, err = c.readLine()
		if err != nil || len(line) == 0 {
			return h, err
		}
		if err := h.field(line); err != nil {
			return head{}, err
		}
	}
}

func (h *head) field(line []byte) error {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimSpace(value)
	switch {
	case bytes.EqualFold(name, []byte("Content-Length")):
		n, err := strconv.Atoi(string(value))
		if err != nil {
			return fmt.Errorf("content length %q: %w", value, err)
		}
		h.length = n
	case bytes.EqualFold(name, []byte("Transfer-Encoding")):
		h.chunked = bytes.Equal(value, []byte("chunked"))
	case bytes.EqualFold(name, []byte("Content-Type")):
		h.events = bytes.HasPrefix(value, []byte("text/event-stream"))
	case bytes.EqualFold(name, []byte("Mcp-Session-Id")):
		h.session = string(value)
	case bytes.EqualFold(name, []byte("Connection")):
		if bytes.EqualFold(value, []byte("close")) {
			return errors.New("the server closes the connection")
		}
	}
	return nil
}

func (c *connection) copyChunks(body io.Writer) error {
	for {
		line, err := c.readLine()
		if err != nil {
			return err
		}
		size, err := strconv.ParseUint(string(line), 16, 31)
		if err != nil {
			return fmt.Errorf("chunk size %q: %w", line, err)
		}
		if err := c.copyN(body, int(size)); err != nil {
			return err
		}
		if _, err := c.readLine(); err != nil || size == 0 {
			return err
		}
	}
}

// copyN moves n bytes of the connection to body without allocating.
func (c *connection) copyN(body io.Writer, n int) error {
	for n > 0 {
		if _, err := c.reader.Peek(1); err != nil {
			return err
		}
		data, err := c.reader.Peek(min(n, c.reader.Buffered()))
		if err != nil {
			return err
		}
		if _, err := body.Write(data); err != nil {
			return err
		}
		if _, err := c.reader.Discard(len(data)); err != nil {
			return err
		}
		n -= len(data)
	}
	return nil
}

func (c *connection) readLine() ([]byte, error) {
	line, err := c.reader.ReadSlice('\n')
	return bytes.TrimRight(line, "\r\n"), err
}
