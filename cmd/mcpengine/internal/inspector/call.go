package inspector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// maxCalls bounds the calls of the page that are under way.
const maxCalls = 32

// calls are the calls of the page that are under way.
type calls struct {
	mu      sync.Mutex
	last    int
	order   []string
	running map[string]*reply
}

// begin adds a call. It returns nil when there are too many.
func (c *calls) begin(ctx context.Context) *reply {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.running) == maxCalls {
		return nil
	}
	c.last++
	r := &reply{id: fmt.Sprintf("u%d", c.last), ctx: ctx, lines: make(chan []byte, 64)}
	c.running[r.id], c.order = r, append(c.order, r.id)
	return r
}

func (c *calls) end(r *reply) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.running, r.id)
	for n, id := range c.order {
		if id == r.id {
			c.order = append(c.order[:n:n], c.order[n+1:]...)
			return
		}
	}
}

// of returns the call that a context belongs to. Where a message does not say which
// call it belongs to, that is the call that began last. It is nil without any.
func (c *calls) of(ctx context.Context) *reply {
	if r := replyOf(ctx); r != nil {
		return r
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.order) == 0 {
		return nil
	}
	return c.running[c.order[len(c.order)-1]]
}

// only returns the one call that is under way, and nil when there are none or several.
func (c *calls) only() *reply {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.order) != 1 {
		return nil
	}
	return c.running[c.order[0]]
}

// A reply is the answer to a call of the page, line by line.
type reply struct {
	id    string
	ctx   context.Context // ends when the page does not read any more
	lines chan []byte
}

type replyKey struct{}

func replyOf(ctx context.Context) *reply {
	r, _ := ctx.Value(replyKey{}).(*reply)
	return r
}

// send sends a line. It blocks while the page reads slowly, which has a limit.
func (r *reply) send(line any) {
	encoded, err := json.Marshal(line)
	if err != nil {
		return // no line of the package fails to encode
	}
	select {
	case r.lines <- append(encoded, '\n'):
	case <-r.ctx.Done():
	}
}

// A callRequest is what the page wants to send.
type callRequest struct {
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
}

func (i *Inspector) postRequest(w http.ResponseWriter, r *http.Request) error {
	in, err := decode[callRequest](w, r, maxCallBody)
	if err != nil {
		return err
	}
	if in.Method == "" || strings.HasPrefix(in.Method, "notifications/") {
		return refuse(http.StatusBadRequest, "name the method of a request, such as tools/call")
	}
	s, err := i.current()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	reply := i.calls.begin(ctx)
	if reply == nil {
		return refuse(http.StatusTooManyRequests, "there are %d calls under way: wait for one, or cancel it", maxCalls)
	}
	defer i.calls.end(reply)
	stream := newStream(w)
	stream.write(fmt.Appendf(nil, "{\"type\":\"started\",\"request\":%q}\n", reply.id))
	var wait sync.WaitGroup
	defer wait.Wait()
	defer cancel()
	wait.Go(func() {
		i.call(context.WithValue(ctx, replyKey{}, reply), s, reply, in)
		close(reply.lines)
	})
	return stream.copy(ctx, reply.lines)
}

// call sends the request and tells the page how it ends.
func (i *Inspector) call(ctx context.Context, s *session, reply *reply, in callRequest) {
	params := in.Params
	if params == nil || string(params) == "null" {
		params = json.RawMessage("{}")
	}
	began := time.Now()
	result, err := s.call(ctx, reply, in.Method, params)
	took := milliseconds(time.Since(began))
	i.recorder.note(in.Method, params, result, err, s.client.Version())
	if err != nil {
		reply.send(failure(err, took))
		return
	}
	reply.send(struct {
		Type         string          `json:"type"`
		Result       json.RawMessage `json:"result"`
		Milliseconds float64         `json:"milliseconds"`
		Bytes        int             `json:"bytes"`
	}{"result", result, took, len(result)})
}

func (s *session) call(ctx context.Context, reply *reply, method string, params json.RawMessage) (json.RawMessage, error) {
	opts := []client.CallOption{client.WithProgress(func(p mcp.ProgressNotificationParams) {
		reply.send(struct {
			Type     string   `json:"type"`
			Progress float64  `json:"progress"`
			Total    *float64 `json:"total,omitempty"`
			Message  string   `json:"message,omitempty"`
		}{"progress", p.Progress, p.Total, p.Message})
	})}
	if m := protocol.MethodOf(method); m.Extension && m.Mirrored {
		opts = append(opts, client.WithMirror(member(params, m.Param)))
	}
	result, err := client.Do[json.RawMessage](ctx, s.client, method, params, opts...)
	if err == nil && method == mcp.MethodToolsCall && s.offers.makesTasks() {
		return s.followOldTask(ctx, reply, result)
	}
	return result, err
}

// A callFailure is the last line of a call that failed.
type callFailure struct {
	Type         string          `json:"type"`
	Code         int             `json:"code"`
	Message      string          `json:"message"`
	Data         json.RawMessage `json:"data,omitempty"`
	Milliseconds float64         `json:"milliseconds"`
}

// failure describes an error. The code of an error that the server did not answer
// with is 0.
func failure(err error, took float64) callFailure {
	f := callFailure{Type: "error", Message: err.Error(), Milliseconds: took}
	if answered, ok := errors.AsType[*mcp.Error](err); ok {
		f.Code, f.Message, f.Data = answered.Code, answered.Message, json.RawMessage(answered.Data)
	}
	return f
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (i *Inspector) postComplete(w http.ResponseWriter, r *http.Request) error {
	in, err := decode[map[string]json.RawMessage](w, r, maxBody)
	if err != nil {
		return err
	}
	s, err := i.current()
	if err != nil {
		return err
	}
	result, err := client.Do[struct {
		Completion json.RawMessage `json:"completion"`
	}](r.Context(), s.client, mcp.MethodCompletionComplete, in)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, result.Completion)
	return nil
}
