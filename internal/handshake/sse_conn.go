package handshake

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"github.com/mcpengine/mcpengine/internal/duplex"
	"github.com/mcpengine/mcpengine/internal/share"
	"github.com/mcpengine/mcpengine/internal/sse"
	"github.com/mcpengine/mcpengine/internal/streamable"
)

// An sseConn is one event stream and the messages that belong to it.
type sseConn struct {
	id, caller string
	from       share.Caller
	handshake  *Conn // what conn serves
	conn       *duplex.Conn
	stream     *streamable.EventWriter
	inbox      chan inbound
	ended      chan struct{} // closed when no more messages are taken
}

// An inbound message has the context values of the POST that carried it.
type inbound struct {
	ctx     context.Context
	message *duplex.Message
}

// serve answers messages until the client goes, its token expires or the server
// closes. It then ends all requests and subscriptions of the connection, at
// once when the client is gone.
func (c *sseConn) serve(r *http.Request, config SSEConfig) {
	received := make(chan struct{})
	go func() {
		defer close(received)
		c.receive()
	}()
	c.conn.Close(r.Context(), c.await(r, config))
	close(c.ended)
	<-received
	c.stream.End()
}

// receive hands the messages to the connection, one after the other.
func (c *sseConn) receive() {
	for {
		select {
		case in := <-c.inbox:
			c.conn.Receive(in.ctx, in.message)
		case <-c.ended:
			return
		}
	}
}

// await waits until the connection has to end, and returns how long the
// requests under way may then go on. The context of r ends when a comment or an
// event cannot be sent.
func (c *sseConn) await(r *http.Request, config SSEConfig) (grace time.Duration) {
	unverified, stop := streamable.UntilExpiry(config.Expires(r))
	defer stop()
	select {
	case <-r.Context().Done():
		return 0
	case <-unverified:
		return 0
	case <-c.conn.Broken():
		return 0
	case <-config.Closing:
		return config.Grace
	}
}

// messageEvents writes each line, which holds one message, as an event.
type messageEvents struct{ *streamable.EventWriter }

func (w messageEvents) Write(line []byte) (int, error) {
	if err := w.Send(sse.Event{Name: "message", Data: bytes.TrimSuffix(line, []byte("\n"))}); err != nil {
		return 0, err
	}
	return len(line), nil
}
