package inspector

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
)

// maxQuestions bounds the questions that wait for an answer.
const maxQuestions = 64

// questions are the questions of the server that the person at the page has not
// answered yet.
type questions struct {
	journal *journal
	calls   *calls

	mu   sync.Mutex
	last int
	open map[string]*question
}

// A question is a line to the page, and where its answer goes.
type question struct {
	Type    string          `json:"type"` // "question"
	ID      string          `json:"question"`
	Kind    string          `json:"kind"` // "form", "url", "sampling" or "roots"
	Message string          `json:"message,omitempty"`
	Schema  json.RawMessage `json:"schema,omitempty"`
	URL     string          `json:"url,omitempty"`
	Params  any             `json:"params,omitempty"`

	answered chan answer
}

// An answer is what the person at the page answers.
type answer struct {
	Question string           `json:"question"`
	Action   mcp.ElicitAction `json:"action"`
	Content  json.RawMessage  `json:"content"`
}

// handlers answer the questions of the server.
func (i *Inspector) handlers() client.Handlers {
	return client.Handlers{
		ElicitForm: func(ctx context.Context, p mcp.ElicitRequestFormParams) (mcp.ElicitResult, error) {
			a, err := i.asked.ask(ctx, question{Kind: "form", Message: p.Message, Schema: json.RawMessage(p.RequestedSchema)})
			if a.Action != mcp.ElicitActionAccept {
				a.Content = nil
			}
			i.recorder.answer("form", a)
			return mcp.ElicitResult{Action: a.Action, Content: a.Content}, err
		},
		ElicitURL: func(ctx context.Context, p mcp.ElicitRequestURLParams) (mcp.ElicitResult, error) {
			a, err := i.asked.ask(ctx, question{Kind: "url", Message: p.Message, URL: p.URL})
			i.recorder.answer("url", a)
			return mcp.ElicitResult{Action: a.Action}, err
		},
		CreateMessage: func(ctx context.Context, p mcp.CreateMessageRequestParams) (*mcp.CreateMessageResult, error) {
			a, err := i.asked.ask(ctx, question{Kind: "sampling", Params: p})
			i.recorder.answer("sampling", a)
			return content[*mcp.CreateMessageResult](a, err)
		},
		ListRoots: func(ctx context.Context) ([]mcp.Root, error) {
			a, err := i.asked.ask(ctx, question{Kind: "roots"})
			i.recorder.answer("roots", a)
			result, err := content[mcp.ListRootsResult](a, err)
			return result.Roots, err
		},
		Log: func(p mcp.LoggingMessageNotificationParams) {
			line := logLine{Type: "log", Level: p.Level, Logger: p.Logger, Data: json.RawMessage(p.Data)}
			i.journal.add(line)
			if r := i.calls.only(); r != nil {
				r.send(line)
			}
		},
		LogLevel: mcp.LoggingLevelDebug,
	}
}

// A logLine is a log message of the server.
type logLine struct {
	Type   string           `json:"type"` // "log"
	Level  mcp.LoggingLevel `json:"level"`
	Logger string           `json:"logger,omitempty"`
	Data   json.RawMessage  `json:"data"`
}

// content decodes an answer to a question that has no action of its own for a
// refusal.
func content[T any](a answer, err error) (T, error) {
	var value T
	if err != nil {
		return value, err
	}
	if a.Action != mcp.ElicitActionAccept {
		return value, fmt.Errorf("the person at the inspector answered with %s", a.Action)
	}
	if err := json.Unmarshal(a.Content, &value); err != nil {
		return value, fmt.Errorf("read the answer: %w", err)
	}
	return value, nil
}

// ask asks the page and waits for the answer. The question is part of the call that
// it belongs to, and an event without one.
func (q *questions) ask(ctx context.Context, asked question) (answer, error) {
	asked.Type, asked.answered = "question", make(chan answer, 1)
	q.mu.Lock()
	if len(q.open) == maxQuestions {
		q.mu.Unlock()
		return answer{}, fmt.Errorf("%d questions wait for an answer already", maxQuestions)
	}
	q.last++
	asked.ID = fmt.Sprintf("q%d", q.last)
	q.open[asked.ID] = &asked
	q.mu.Unlock()
	defer q.close(asked.ID)
	left := make(<-chan struct{})
	if r := q.calls.of(ctx); r != nil {
		r.send(&asked)
		if replyOf(ctx) == nil {
			left = r.ctx.Done() // the question goes with the call
		}
	} else {
		q.journal.add(&asked)
	}
	select {
	case a := <-asked.answered:
		return a, nil
	case <-left:
		return answer{Action: mcp.ElicitActionCancel}, nil
	case <-ctx.Done():
		return answer{}, context.Cause(ctx)
	}
}

// close ends a question, and tells every window of the page that it needs no answer
// any more.
func (q *questions) close(id string) {
	q.mu.Lock()
	delete(q.open, id)
	q.mu.Unlock()
	q.journal.add(map[string]string{"type": "answered", "question": id})
}

func (i *Inspector) postAnswer(w http.ResponseWriter, r *http.Request) error {
	in, err := decode[answer](w, r, maxCallBody)
	if err != nil {
		return err
	}
	switch in.Action {
	case mcp.ElicitActionAccept, mcp.ElicitActionDecline, mcp.ElicitActionCancel:
	default:
		return refuse(http.StatusBadRequest, "the action is not accept, decline or cancel")
	}
	i.asked.mu.Lock()
	q := i.asked.open[in.Question]
	delete(i.asked.open, in.Question) // the first answer counts
	i.asked.mu.Unlock()
	if q == nil {
		return refuse(http.StatusNotFound, "the server does not wait for an answer to this question any more")
	}
	q.answered <- in
	w.WriteHeader(http.StatusNoContent)
	return nil
}
