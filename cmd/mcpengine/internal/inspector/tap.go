package inspector

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// A tap records the messages of the client in the journal.
type tap struct {
	journal *journal
	last    atomic.Int64 // exchange
}

func (t *tap) exchange() string { return fmt.Sprintf("x%d", t.last.Add(1)) }

// http returns a transport that records what base sends and receives. It is
// above whatever puts credentials on requests last, and hides those that it sees.
func (t *tap) http(base http.RoundTripper) http.RoundTripper { return &httpTap{tap: t, base: base} }

type httpTap struct {
	tap  *tap
	base http.RoundTripper
}

// CloseIdleConnections implements what [http.Client.CloseIdleConnections] looks
// for.
func (t *httpTap) CloseIdleConnections() {
	if closer, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}

// RoundTrip implements [http.RoundTripper].
func (t *httpTap) RoundTrip(r *http.Request) (*http.Response, error) {
	x := &httpExchange{tap: t.tap, id: t.tap.exchange(), began: time.Now()}
	if reply := replyOf(r.Context()); reply != nil {
		x.request = reply.id
	}
	r, err := x.sent(r)
	if err != nil {
		return nil, err
	}
	resp, err := t.base.RoundTrip(r)
	if err != nil {
		m := x.message(received)
		m.Error = err.Error()
		m.setBody(nil, 0)
		t.tap.journal.add(m)
		return nil, err
	}
	x.received(resp)
	return resp, nil
}

// An httpExchange is a request and its response.
type httpExchange struct {
	tap     *tap
	id      string
	request string // of the page
	method  string
	began   time.Time

	once    sync.Once
	status  int
	headers map[string]string // of the response, until they have been recorded
	body    io.ReadCloser
	text    []byte // the beginning of the body
	size    int
	events  *eventSplitter // of an event stream
	waits   bool           // for the answer to a request
}

func (x *httpExchange) message(direction string) *message {
	m := &message{Type: "message", Time: now(), Direction: direction, Exchange: x.id, Request: x.request, Method: x.method}
	if direction == received {
		m.Milliseconds = milliseconds(time.Since(x.began))
		m.Status, m.Headers = x.status, x.headers
		x.headers = nil // once is enough
	}
	return m
}

// sent records the request, and returns one whose body can still be read.
func (x *httpExchange) sent(r *http.Request) (*http.Request, error) {
	text := []byte(nil)
	if r.Body != nil && r.Body != http.NoBody {
		var err error
		text, err = io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	}
	e := envelopeOf(text)
	x.method, x.waits = e.Method, e.ID != nil && e.Method != ""
	m := x.message(sent)
	m.ID, m.HTTPMethod, m.URL, m.Headers = e.ID, r.Method, CleanURL(r.URL), requestHeaders(r.Header)
	m.setBody(text[:min(len(text), maxRecorded)], len(text))
	x.tap.journal.add(m)
	return r, nil
}

// received makes the response record itself while it is read.
func (x *httpExchange) received(resp *http.Response) {
	x.status, x.headers, x.body = resp.StatusCode, responseHeaders(resp.Header), resp.Body
	if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); kind == "text/event-stream" {
		x.events = &eventSplitter{deliver: x.record}
	}
	resp.Body = (*tappedBody)(x)
}

// record records one message of the response.
func (x *httpExchange) record(text []byte, size int) {
	m := x.message(received)
	e := envelopeOf(text)
	m.ID = e.ID
	if e.Method != "" {
		m.Method = e.Method
	} else if e.ID != nil || size > len(text) { // of a message that is too long it is not known
		x.waits = false
	}
	m.setBody(text, size)
	x.tap.journal.add(m)
}

// end records what is recorded at the end of a response.
func (x *httpExchange) end() {
	x.once.Do(func() {
		if x.events == nil {
			x.record(x.text, x.size)
		} else if x.headers != nil || x.waits {
			m := x.message(received)
			m.setBody(nil, 0)
			if x.waits {
				m.Error = "the stream ended without an answer to the request"
			}
			x.tap.journal.add(m)
		}
		x.text = nil
	})
}

// A tappedBody is the body of a response that is recorded.
type tappedBody httpExchange

func (b *tappedBody) Read(p []byte) (int, error) {
	x := (*httpExchange)(b)
	n, err := x.body.Read(p)
	if x.events != nil {
		x.events.write(p[:n])
	} else {
		x.size += n
		x.text = append(x.text, p[:min(n, maxRecorded-len(x.text))]...)
	}
	if err != nil {
		x.end()
	}
	return n, err
}

func (b *tappedBody) Close() error {
	err := b.body.Close()
	(*httpExchange)(b).end()
	return err
}
