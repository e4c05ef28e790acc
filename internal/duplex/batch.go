package duplex

import (
	"bytes"
	"context"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// A batch is the common answer to the requests of one array of messages
// (2025-03-26, basic, "Batching"). Everything but the calls is guarded by
// output.mu once they run.
type batch struct {
	conn    *Conn
	calls   []*call
	answers [][]byte // in the order of the requests; nil for a cancelled one
	missing int
}

// receiveBatch acts on the messages of an array. It accepts all requests before
// it runs the first one.
func (c *Conn) receiveBatch(ctx context.Context, m *Message) {
	defer c.Release(m)
	texts, err := jsonrpc.SplitBatch(m.Text)
	if err != nil {
		c.refuse(nil, err, nil)
		return
	}
	// One extra answer is missing until all requests run.
	b := &batch{conn: c, missing: 1}
	var runs []func()
	for _, text := range texts {
		item := c.Message()
		item.Text = append(item.Text[:0], text...)
		if ctx, x := c.accept(ctx, item, b); x != nil {
			runs = append(runs, func() { c.run(ctx, x) })
		}
	}
	for _, run := range runs {
		run()
	}
	c.out.accepted(b)
}

// reserve makes room for the answer to a call.
func (b *batch) reserve(x *call) (place int) {
	b.calls = append(b.calls, x)
	b.answers = append(b.answers, nil)
	b.missing++
	return len(b.answers) - 1
}

// add adds the answer to a message that did not become a call.
func (b *batch) add(body []byte) { b.answers = append(b.answers, bytes.Clone(body)) }

// put puts the answer to a call into its place.
func (b *batch) put(place int, body []byte) { b.answers[place] = bytes.Clone(body) }

// done counts an answer, and returns the whole batch after the last one. It
// returns nil for a batch that needs no answer.
func (b *batch) done() (body []byte) {
	if b.missing--; b.missing > 0 {
		return nil
	}
	b.conn.forget(b.calls...)
	for _, answer := range b.answers {
		if answer == nil {
			continue
		}
		body = append(append(body, ','), answer...)
	}
	if body == nil {
		return nil
	}
	body[0] = '['
	return append(body, ']')
}
