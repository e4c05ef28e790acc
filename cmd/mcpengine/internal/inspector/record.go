package inspector

import (
	"cmp"
	"encoding/json"
	"go/parser"
	"go/token"
	"net/http"
	"sync"
)

// maxSteps bounds what is recorded.
const maxSteps = 500

// A recorder notes what the page does, from which a test is made.
type recorder struct {
	mu        sync.Mutex
	recording bool
	version   string
	steps     []step
	answers   []recordedAnswer
}

// A step is a call of the page and how it ended.
type step struct {
	method         string
	params, result json.RawMessage
	err            error
}

// A recordedAnswer is the answer to a question of the server.
type recordedAnswer struct {
	kind string
	answer
}

func (r *recorder) on() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.recording
}

// note records a call.
func (r *recorder) note(method string, params, result json.RawMessage, err error, version string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.recording && len(r.steps) < maxSteps {
		r.steps = append(r.steps, step{method, params, result, err})
		r.version = version
	}
}

// answer records the answer to a question.
func (r *recorder) answer(kind string, a answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.recording && len(r.answers) < maxSteps {
		r.answers = append(r.answers, recordedAnswer{kind, a})
	}
}

func (i *Inspector) postRecord(w http.ResponseWriter, r *http.Request) error {
	in, err := decode[struct {
		On bool `json:"on"`
	}](w, r, maxBody)
	if err != nil {
		return err
	}
	i.recorder.mu.Lock()
	if in.On && !i.recorder.recording {
		i.recorder.steps, i.recorder.answers = nil, nil
	}
	i.recorder.recording = in.On
	i.recorder.mu.Unlock()
	i.tellState()
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// getRecord answers with a test. The query may name its package and the expression
// that returns the handler to test.
func (i *Inspector) getRecord(w http.ResponseWriter, r *http.Request) error {
	pkg, server := cmp.Or(r.URL.Query().Get("package"), "main"), cmp.Or(r.URL.Query().Get("server"), "newServer()")
	if !token.IsIdentifier(pkg) {
		return refuse(http.StatusBadRequest, "%.64q is not the name of a package", pkg)
	}
	if _, err := parser.ParseExpr(server); err != nil {
		return refuse(http.StatusBadRequest, "%.64q is not an expression: write one such as newServer()", server)
	}
	text, err := i.recorder.test(pkg, server)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/x-go; charset=utf-8")
	_, _ = w.Write(text) // the page has gone
	return nil
}
