package duplex

import (
	"bytes"
	"io"
	"sync"
	"sync/atomic"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/mcp"
)

// An output writes messages, each as one line and with one call of Write.
type output struct {
	mu  sync.Mutex // held while writing
	w   io.Writer
	buf []byte // for notifications
	err error  // of the Write that failed; there is no Write after it

	broken chan struct{} // closed once err is set
	closed atomic.Bool   // nothing is written any more
}

// send writes a response that belongs to no call.
func (o *output) send(resp *jsonrpc.Response) {
	o.mu.Lock()
	defer o.mu.Unlock()
	resp.Body = o.write(resp.Body)
}

// raw writes a message that a [Stateful] handler sends.
func (o *output) raw(message []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed.Load() {
		return errClosed
	}
	o.write(message)
	return o.err
}

// notify writes a notification that belongs to x.
func (o *output) notify(x *call, n jsonrpc.Notification) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if x.silent.Load() {
		return
	}
	x.notified = true
	o.writeNotification(n)
}

// respond writes the response to x. After it, nothing is sent for x, except the
// cancellation that ends a subscription.
func (o *output) respond(x *call, resp *jsonrpc.Response) {
	o.mu.Lock()
	defer o.mu.Unlock()
	silent := x.silent.Swap(true)
	if b := x.batch; b != nil {
		if !silent {
			b.put(x.place, resp.Body)
		}
		o.writeBatch(b)
		return
	}
	if silent {
		return
	}
	resp.Body = o.write(resp.Body)
	// A server that ends a subscription must send this message, and must not
	// send it otherwise (cancellation, introduction): a subscription that was
	// refused at once has never been open. The result comes first, because it
	// tells the client that the subscription ended in good order
	// (subscriptions, "Graceful Closure").
	if x.listen && (resp.Code == 0 || x.notified) {
		params := append([]byte(`{"requestId":`), x.message.request.ID...)
		o.writeNotification(jsonrpc.Notification{Method: mcp.MethodNotificationsCancelled, Params: append(params, '}')})
	}
}

// accepted notes that all requests of a batch run or have been answered.
func (o *output) accepted(b *batch) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.writeBatch(b)
}

func (o *output) writeBatch(b *batch) {
	if body := b.done(); body != nil {
		o.write(body)
	}
}

func (o *output) writeNotification(n jsonrpc.Notification) {
	o.buf = o.write(n.Append(o.buf[:0]))
	if cap(o.buf) > maxPooled {
		o.buf = nil
	}
}

// write writes body as a line and returns it. In JSON a line end can only be
// white space between tokens, so it is replaced by a blank (stdio: messages
// must not contain embedded newlines).
func (o *output) write(body []byte) []byte {
	if o.err != nil || o.closed.Load() {
		return body
	}
	blank(body, '\n')
	blank(body, '\r') // some clients take it for a line end too
	body = append(body, '\n')
	n, err := o.w.Write(body)
	if err == nil && n < len(body) {
		err = io.ErrShortWrite
	}
	if err != nil {
		o.err = err
		close(o.broken)
	}
	return body
}

// blank replaces every c in text by a blank.
func blank(text []byte, c byte) {
	for i := bytes.IndexByte(text, c); i >= 0; i = bytes.IndexByte(text, c) {
		text[i] = ' '
		text = text[i+1:]
	}
}

// failure returns the error of the Write that failed, if one has.
func (o *output) failure() error {
	select {
	case <-o.broken:
		return o.err
	default:
		return nil
	}
}
