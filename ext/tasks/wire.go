package tasks

import (
	"encoding/json"
	"time"

	"github.com/mcpengine/mcpengine/mcp"
)

// A wireTask is a task as clients of the extension see it: Task, CreateTaskResult
// and DetailedTask of the specification.
type wireTask struct {
	ResultType     mcp.ResultType    `json:"resultType,omitzero"`
	TaskID         string            `json:"taskId"`
	Status         Status            `json:"status"`
	StatusMessage  string            `json:"statusMessage,omitzero"`
	CreatedAt      string            `json:"createdAt"`
	LastUpdatedAt  string            `json:"lastUpdatedAt"`
	TTLMs          int64             `json:"ttlMs"`
	PollIntervalMs int64             `json:"pollIntervalMs"`
	InputRequests  mcp.InputRequests `json:"inputRequests,omitzero"`
	Result         json.RawMessage   `json:"result,omitzero"`
	Error          *mcp.Error        `json:"error,omitzero"`
}

// ResultTypeTask is the resultType of a result that is a task.
const ResultTypeTask mcp.ResultType = "task"

func taskOf(r *Record) wireTask {
	return wireTask{
		TaskID: r.ID, Status: r.Status, StatusMessage: r.Message,
		CreatedAt: timestamp(r.Created), LastUpdatedAt: timestamp(r.Updated),
		TTLMs: r.Expires.Sub(r.Created).Milliseconds(), PollIntervalMs: r.Settings.Poll.Milliseconds(),
	}
}

// createResult is the result of a call that has become a task, in its state at the
// beginning: questions and results are for tasks/get.
func createResult(r *Record) any {
	task := taskOf(r)
	task.ResultType, task.Status = ResultTypeTask, Working
	return task
}

// detailed is a task with what belongs to its status.
func detailed(r *Record) wireTask {
	task := taskOf(r)
	switch r.Status {
	case InputRequired:
		task.InputRequests = make(mcp.InputRequests, len(r.Questions))
		for _, q := range r.Questions {
			task.InputRequests[q.Key] = q.Request
		}
	case Completed:
		task.Result = resultOf(r)
	case Failed:
		task.Error = r.Error
	}
	return task
}

func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// A wireOldTask is a task as clients of 2025-11-25 see it.
type wireOldTask struct {
	TaskID        string `json:"taskId"`
	Status        Status `json:"status"`
	StatusMessage string `json:"statusMessage,omitzero"`
	CreatedAt     string `json:"createdAt"`
	LastUpdatedAt string `json:"lastUpdatedAt"`
	TTL           int64  `json:"ttl"`
	PollInterval  int64  `json:"pollInterval"`
}

func oldTask(r *Record) wireOldTask {
	task := taskOf(r)
	return wireOldTask{
		TaskID: task.TaskID, Status: task.Status, StatusMessage: task.StatusMessage,
		CreatedAt: task.CreatedAt, LastUpdatedAt: task.LastUpdatedAt, TTL: task.TTLMs, PollInterval: task.PollIntervalMs,
	}
}
