package inspector

import (
	"io"
	"sync"
	"time"
)

// streams returns streams that record the messages on them.
func (t *tap) streams(in io.ReadCloser, out io.WriteCloser) (io.ReadCloser, io.WriteCloser) {
	x := &streamTap{tap: t, pending: make(map[string]pending)}
	return &tappedReader{in, &lineSplitter{deliver: func(line []byte, size int) { x.record(received, line, size) }}},
		&tappedWriter{out, &lineSplitter{deliver: func(line []byte, size int) { x.record(sent, line, size) }}}
}

// maxPending bounds the requests whose answers are recognized.
const maxPending = 1000

// A streamTap records the messages of a process.
type streamTap struct {
	tap *tap

	mu      sync.Mutex
	pending map[string]pending // by direction and id
}

// A pending request has not been answered.
type pending struct {
	exchange, method string
	began            time.Time
}

func (x *streamTap) record(direction string, line []byte, size int) {
	if size == 0 {
		return
	}
	e := envelopeOf(line)
	m := &message{Type: "message", Time: now(), Direction: direction, Method: e.Method, ID: e.ID}
	m.setBody(line, size)
	x.match(m)
	x.tap.journal.add(m)
}

// match finds the exchange of a message.
func (x *streamTap) match(m *message) {
	x.mu.Lock()
	defer x.mu.Unlock()
	other := map[string]string{sent: received, received: sent}[m.Direction]
	if m.ID != nil && m.Method == "" {
		if p, ok := x.pending[other+string(m.ID)]; ok {
			delete(x.pending, other+string(m.ID))
			m.Exchange, m.Method, m.Milliseconds = p.exchange, p.method, milliseconds(time.Since(p.began))
			return
		}
	}
	m.Exchange = x.tap.exchange()
	if m.ID != nil && m.Method != "" && len(x.pending) < maxPending {
		x.pending[m.Direction+string(m.ID)] = pending{m.Exchange, m.Method, time.Now()}
	}
}

type tappedReader struct {
	io.ReadCloser
	lines *lineSplitter
}

func (r *tappedReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.lines.write(p[:n])
	return n, err
}

type tappedWriter struct {
	io.WriteCloser
	lines *lineSplitter
}

func (w *tappedWriter) Write(p []byte) (int, error) {
	w.lines.write(p) // before the answer can be read
	return w.WriteCloser.Write(p)
}
