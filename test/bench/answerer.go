package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
)

// maxPrepared bounds a call and its answer, in bytes each. A longer one is not
// prepared, and goes to the server.
const maxPrepared = 16 << 10

// An answerer is the listener of a server that is to cost next to nothing for a
// call, so that what limits a round is the client. All that a connection carries
// goes to the server and back until the server has answered a call. The same call
// then gets the same answer, with its own id, and the server does not learn of
// it; any other goes to the server.
//
// A connection belongs to one client in one session, which sends the same
// header fields with every call. So within a connection the body identifies the
// call.
type answerer struct{ net.Listener }

func (a answerer) Accept() (net.Conn, error) {
	c, err := a.Listener.Accept()
	if err != nil {
		return nil, err // as it is, for the server to decide
	}
	return &answered{Conn: c, buffer: make([]byte, maxPrepared)}, nil
}

// An answered is a connection of an answerer, as its server sees it.
type answered struct {
	net.Conn
	buffer []byte
	unread []byte // by the server, in buffer

	mu     sync.Mutex // the server may read while it writes
	call   []byte     // the body of the call that the server has got, if that came last
	answer []byte     // what the server has said to it
	ready  *prepared
	out    []byte
}

// Read returns the bytes that the server has to see. The client waits for each
// answer before its next request, so the bytes are one request or a part of
// one.
func (c *answered) Read(p []byte) (int, error) {
	for len(c.unread) == 0 {
		n, err := c.Conn.Read(c.buffer)
		if err != nil {
			return 0, err
		}
		done, err := c.tryAnswer(c.buffer[:n])
		if err != nil {
			return 0, err
		}
		if !done {
			c.unread = c.buffer[:n]
		}
	}
	n := copy(p, c.unread)
	c.unread = c.unread[n:]
	return n, nil
}

// Write sends the server's bytes, and keeps them if they may be an answer to a
// call.
func (c *answered) Write(p []byte) (int, error) {
	c.mu.Lock()
	if len(c.answer)+len(p) > maxPrepared {
		c.call = nil
	}
	if c.call != nil {
		c.answer = append(c.answer, p...)
	}
	c.mu.Unlock()
	return c.Conn.Write(p)
}

// tryAnswer reports whether it has answered a request. If not, the server has
// to answer it.
func (c *answered) tryAnswer(request []byte) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	// The client has got all of the answer before, or it would not ask again.
	if c.call != nil {
		c.ready = prepare(c.call, c.answer)
		c.call, c.answer = nil, nil
	}
	if c.ready != nil {
		if id, ok := c.ready.call.id(bodyOf(request)); ok {
			c.out = c.ready.append(c.out[:0], id)
			_, err := c.Conn.Write(c.out)
			return true, err
		}
	}
	if isCall(request) {
		c.call = bytes.Clone(bodyOf(request))
	}
	return false, nil
}

// bodyOf returns what comes after the head of an HTTP message, nil without one.
func bodyOf(message []byte) []byte {
	_, body, _ := bytes.Cut(message, []byte("\r\n\r\n"))
	return body
}

// isCall reports whether data is a whole request that calls a tool.
func isCall(data []byte) bool {
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(data)))
	if err != nil || r.Method != http.MethodPost || r.ContentLength != int64(len(bodyOf(data))) {
		return false
	}
	var message struct {
		Method string `json:"method"`
	}
	return json.Unmarshal(bodyOf(data), &message) == nil && message.Method == "tools/call"
}

// A prepared is a call with its answer. Both have a hole for the id.
type prepared struct {
	call, head, result template // the hole of the head is for the length
}

// prepare returns a call with the server's answer, and nil if the answer is not
// a JSON-RPC response with the id of the call.
func prepare(call, answer []byte) *prepared {
	r, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(answer)), nil)
	if err != nil {
		return nil
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "application/json" ||
		r.ContentLength != int64(len(body)) || !bytes.HasSuffix(answer, body) {
		return nil
	}
	var asked, told struct {
		ID json.RawMessage `json:"id"`
	}
	if json.Unmarshal(call, &asked) != nil || json.Unmarshal(body, &told) != nil || !bytes.Equal(asked.ID, told.ID) {
		return nil
	}
	var p prepared
	var ok [3]bool
	p.call, ok[0] = newTemplate(call, `"id":`, string(asked.ID))
	p.result, ok[1] = newTemplate(body, `"id":`, string(told.ID))
	p.head, ok[2] = newTemplate(answer[:len(answer)-len(body)], "\r\nContent-Length: ", strconv.Itoa(len(body)))
	if ok != [3]bool{true, true, true} {
		return nil
	}
	return &p
}

// append appends the answer to the call with an id.
func (p *prepared) append(dst, id []byte) []byte {
	dst = append(dst, p.head.before...)
	dst = strconv.AppendInt(dst, int64(len(p.result.before)+len(id)+len(p.result.after)), 10)
	dst = append(dst, p.head.after...)
	dst = append(dst, p.result.before...)
	dst = append(dst, id...)
	return append(dst, p.result.after...)
}

// A template is a text with a hole for a number.
type template struct{ before, after []byte }

// newTemplate makes the hole where value comes after name, which has to be there
// once.
func newTemplate(text []byte, name, value string) (template, bool) {
	before, after, ok := bytes.Cut(text, []byte(name+value))
	if !ok || bytes.Count(text, []byte(name)) > 1 {
		return template{}, false
	}
	return template{fmt.Append(nil, string(before), name), bytes.Clone(after)}, true
}

// id returns the number in a text that is the template's but for that.
func (t template) id(text []byte) ([]byte, bool) {
	rest, ok := bytes.CutPrefix(text, t.before)
	id, ok2 := bytes.CutSuffix(rest, t.after)
	if !ok || !ok2 || len(id) == 0 || len(id) > 1 && id[0] == '0' {
		return nil, false
	}
	for _, c := range id {
		if c < '0' || c > '9' {
			return nil, false
		}
	}
	return id, true
}
