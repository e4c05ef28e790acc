package peer

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// queued is how many messages may wait for a call, or for the owner of the
// connection, before reading stops.
const queued = 64

// A duplex is a link over one channel in each direction, which all calls share:
// a command's standard streams, or HTTP+SSE.
type duplex struct {
	config   *Config
	write    func(ctx context.Context, message []byte) error
	requests *serverRequests

	mu      sync.Mutex
	pending map[int64]*waiting
	err     error // why the link broke

	unrelated chan jsonrpc.Notification // for the owner of the connection
	once      sync.Once
	broken    chan struct{}

	delivering    Background // of unrelated notifications
	cancellations Background
}

// A waiting is a pending call with a queue of its messages.
type waiting struct {
	*pendingCall
	messages chan *jsonrpc.Message
	failed   chan error    // buffers the error of an answer that cannot be read
	left     chan struct{} // closed when the call does not wait any more
}

func newDuplex(config *Config, write func(context.Context, []byte) error) *duplex {
	d := &duplex{
		config: config, write: write,
		pending: make(map[int64]*waiting), unrelated: make(chan jsonrpc.Notification, queued), broken: make(chan struct{}),
	}
	d.requests = newServerRequests(config.OnRequest, write)
	if config.OnNotification != nil {
		d.delivering.Run(d.hand)
	}
	return d
}

// hand passes unrelated notifications to the owner of the connection.
func (d *duplex) hand() {
	for {
		select {
		case n := <-d.unrelated:
			d.config.OnNotification(n)
		case <-d.broken:
			return
		}
	}
}

// fail breaks the link.
func (d *duplex) fail(err error) {
	d.once.Do(func() {
		d.mu.Lock()
		d.err = err
		d.mu.Unlock()
		close(d.broken)
	})
}

func (d *duplex) failure() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.err
}

func (d *duplex) quiet() time.Duration { return d.requests.quiet() }

func (d *duplex) done() <-chan struct{} { return d.broken }

// end breaks the link and waits for its goroutines, except the reader.
func (d *duplex) end() {
	d.cancellations.Close() // while they can be sent
	d.fail(ErrClosed)
	d.requests.close()
	d.delivering.Close()
}

func (d *duplex) send(ctx context.Context, message []byte) error { return d.write(ctx, message) }

func (d *duplex) call(ctx context.Context, p *pendingCall) ([]byte, error) {
	w := &waiting{pendingCall: p, messages: make(chan *jsonrpc.Message, queued), failed: make(chan error, 1), left: make(chan struct{})}
	d.mu.Lock()
	d.pending[p.id] = w
	d.mu.Unlock()
	defer func() {
		d.remove(w)
		close(w.left)
	}()
	if err := d.write(ctx, p.message); err != nil {
		d.abandon(ctx, p)
		return nil, err
	}
	for {
		select {
		case m := <-w.messages:
			if m.IsResponse() {
				return outcome(m)
			}
			p.notify(m)
		case err := <-w.failed:
			return nil, err
		case <-ctx.Done():
			d.abandon(ctx, p)
			return nil, context.Cause(ctx)
		case <-d.broken:
			return d.last(w)
		}
	}
}

// remove ends the delivery of messages to a call. It does nothing for nil.
func (d *duplex) remove(w *waiting) {
	if w == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.pending, w.id)
}

// last returns the answer if it arrived before the link broke.
func (d *duplex) last(w *waiting) ([]byte, error) {
	for {
		select {
		case m := <-w.messages:
			if m.IsResponse() {
				return outcome(m)
			}
			w.notify(m)
		case err := <-w.failed:
			return nil, err
		default:
			return nil, d.failure()
		}
	}
}

// abandon cancels the request on the server if ctx has ended. Initialize must
// not be cancelled.
func (d *duplex) abandon(ctx context.Context, p *pendingCall) {
	if ctx.Err() != nil && p.Method != protocol.MethodInitialize {
		d.cancellations.Run(func() { d.cancelRemote(p.idText) })
	}
}

func (d *duplex) cancelRemote(id []byte) {
	ctx, cancel := context.WithTimeout(context.Background(), d.config.CloseTimeout)
	defer cancel()
	_ = d.write(ctx, cancelled(id)) // best effort: the answer is dropped in any case
}

// receive handles a message, or a batch, from the server.
func (d *duplex) receive(data []byte) {
	m := new(jsonrpc.Message)
	if err := readMessage(m, data); err != nil {
		if errors.Is(err, jsonrpc.ErrIsBatch) {
			d.receiveBatch(data)
			return
		}
		d.reject(data, err)
		return
	}
	switch {
	case m.IsResponse():
		w := d.byID(m.ID)
		if m.ID == nil && m.Error != nil {
			w = d.only() // of a server that could not read the id
		}
		d.remove(w) // what follows the response does not belong to the call
		d.deliver(w, m)
	case m.ID != nil:
		d.requests.serve(m, d.onRequest())
	case d.requests.cancelled(m):
	default:
		if w := d.related(m); w != nil {
			d.deliver(w, m)
			return
		}
		d.handOn(m)
	}
}

// reject handles a message that cannot be read. One that answers a call fails
// it, and one that asks for something is answered. Everything else is ignored,
// because programs write all kinds of things to their standard output.
func (d *duplex) reject(data []byte, err *jsonrpc.Error) {
	switch e := readEnvelope(data); {
	case e.id == nil:
	case e.method:
		d.cancellations.Run(func() {
			ctx, cancel := context.WithTimeout(context.Background(), d.config.CloseTimeout)
			defer cancel()
			_ = d.write(ctx, encodeResponse(e.id, nil, err)) // the server notices what is missing
		})
	case e.response:
		w := d.byID(e.id)
		d.remove(w)
		if w != nil {
			w.failed <- protocolErrorf("read the answer to %s: %s", w.Method, err.Message)
		}
	}
}

func (d *duplex) receiveBatch(data []byte) {
	batch, err := jsonrpc.SplitBatch(data)
	if err != nil {
		return
	}
	for _, one := range batch {
		if len(one) > 0 && one[0] == '{' {
			d.receive(one)
		}
	}
}

// deliver queues a message for a call. It blocks while the queue is full and
// the call waits.
func (d *duplex) deliver(w *waiting, m *jsonrpc.Message) {
	if w == nil {
		return // the call has been cancelled
	}
	select {
	case w.messages <- m:
	case <-w.left:
	case <-d.broken:
	}
}

func (d *duplex) handOn(m *jsonrpc.Message) {
	if d.config.OnNotification == nil {
		return
	}
	select {
	case d.unrelated <- notification(m):
	case <-d.broken:
	}
}

// byID returns the call with the id, as JSON.
func (d *duplex) byID(raw []byte) *waiting {
	id, ok := callID(raw)
	if !ok {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.pending[id]
}

// related returns the call that a notification belongs to: by its progress
// token, which is the id of the request, or by its subscription. Log messages
// and notifications of extensions may have neither. If only one call is under
// way, they count as its notifications, so that they come before the response.
func (d *duplex) related(m *jsonrpc.Message) *waiting {
	params, _ := jsonrpc.ParseObject(m.Params)
	meta, _ := jsonrpc.ParseObject(params.Get("_meta"))
	switch m.Method {
	case mcp.MethodNotificationsProgress:
		return d.byID(params.Get("progressToken"))
	case mcp.MethodNotificationsToolsListChanged, mcp.MethodNotificationsPromptsListChanged,
		mcp.MethodNotificationsResourcesListChanged, mcp.MethodNotificationsResourcesUpdated:
		return d.byID(meta.Get(mcp.MetaSubscriptionID))
	}
	if w := d.byID(meta.Get(mcp.MetaSubscriptionID)); w != nil {
		return w
	}
	if w := d.only(); w != nil && w.OnNotification != nil {
		return w
	}
	return nil
}

// onRequest returns the function that answers a request of the server: the
// function of the only call under way, or nil.
func (d *duplex) onRequest() RequestFunc {
	if w := d.only(); w != nil {
		return w.OnRequest
	}
	return nil
}

// only returns the call under way, if there is no other. Subscriptions do not
// count: their notifications name them.
func (d *duplex) only() (found *waiting) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, w := range d.pending {
		switch {
		case w.lasts():
		case found != nil:
			return nil
		default:
			found = w
		}
	}
	return found
}
