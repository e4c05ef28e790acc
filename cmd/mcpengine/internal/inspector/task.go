package inspector

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/mcp"
)

// A taskLine tells the page about a task.
type taskLine struct {
	Type string          `json:"type"` // "task"
	Task json.RawMessage `json:"task"`
}

// offers are the capabilities of a server in its own words: those of extensions and
// of older versions too.
type offers struct {
	mu           sync.Mutex
	capabilities json.RawMessage
}

// observe keeps the capabilities, and tells the page about the task that its call
// has become: the client asks for it within the call.
func (o *offers) observe(ctx context.Context, sent *client.Sent) (context.Context, func([]byte, error)) {
	r := replyOf(ctx)
	introduces := sent.Method == protocol.MethodInitialize || sent.Method == mcp.MethodServerDiscover
	if !introduces && (r == nil || sent.Method != mcp.MethodToolsCall && sent.Method != methodTasksGet) {
		return ctx, nil
	}
	return ctx, func(result []byte, err error) {
		switch {
		case err != nil:
		case introduces:
			o.learn(result)
		case member(result, "taskId") != "":
			r.send(taskLine{"task", json.RawMessage(result)})
		}
	}
}

// learn keeps the capabilities of a result.
func (o *offers) learn(result []byte) {
	var server struct {
		Capabilities json.RawMessage `json:"capabilities"`
	}
	if json.Unmarshal(result, &server) != nil {
		return // the client refuses it
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.capabilities = server.Capabilities
}

// raw returns the capabilities as the server sent them.
func (o *offers) raw() json.RawMessage {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.capabilities
}

// makesTasks reports whether the server makes tasks of calls as 2025-11-25 has
// them.
func (o *offers) makesTasks() bool {
	var has struct {
		Tasks struct {
			Requests struct {
				Tools struct {
					Call json.RawMessage `json:"call"`
				} `json:"tools"`
			} `json:"requests"`
		} `json:"tasks"`
	}
	return json.Unmarshal(o.raw(), &has) == nil && has.Tasks.Requests.Tools.Call != nil
}

// The methods of tasks.
const (
	methodTasksGet    = "tasks/get"
	methodTasksResult = "tasks/result"
	methodTasksCancel = "tasks/cancel"
)

// Bounds of the time between two questions about a task of 2025-11-25.
const (
	minPoll = 100 * time.Millisecond
	maxPoll = 30 * time.Second
)

// An oldTask is a task of 2025-11-25, where tasks were experimental.
type oldTask struct {
	TaskID       string `json:"taskId"`
	Status       string `json:"status"`
	PollInterval int64  `json:"pollInterval"`
}

// followOldTask waits for the result of a call that has become a task of
// 2025-11-25. Other results are returned as they are.
func (s *session) followOldTask(ctx context.Context, reply *reply, result json.RawMessage) (json.RawMessage, error) {
	var created struct {
		Task json.RawMessage `json:"task"`
	}
	var task oldTask
	if json.Unmarshal(result, &created) != nil || json.Unmarshal(created.Task, &task) != nil || task.TaskID == "" {
		return result, nil
	}
	reply.send(taskLine{"task", created.Task})
	id := map[string]string{"taskId": task.TaskID}
	for task.Status == "working" {
		if !sleep(ctx, min(max(time.Duration(task.PollInterval)*time.Millisecond, minPoll), maxPoll)) {
			s.cancelOldTask(ctx, id)
			return nil, context.Cause(ctx)
		}
		raw, err := client.Do[json.RawMessage](ctx, s.client, methodTasksGet, id)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(raw, &task); err != nil {
			return nil, fmt.Errorf("read the task: %w", err)
		}
	}
	// The server asks the questions of the task while it is asked for its result
	// (2025-11-25, tasks, "Input Required Status").
	result, err := client.Do[json.RawMessage](ctx, s.client, methodTasksResult, id, client.Lasting())
	if ctx.Err() != nil {
		s.cancelOldTask(ctx, id)
	}
	return result, err
}

// cancelTimeout bounds asking the server to stop.
const cancelTimeout = 5 * time.Second

func (s *session) cancelOldTask(ctx context.Context, id map[string]string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cancelTimeout)
	defer cancel()
	_, _ = client.Do[json.RawMessage](ctx, s.client, methodTasksCancel, id) // it may have ended
}
