package locallambda

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// maxResponse bounds a buffered answer.
const maxResponse = 6 << 20

const arnPrefix = "arn:aws:lambda:eu-west-1:123456789012:function:"

// maxNotice bounds the description of an error.
const maxNotice = 1 << 20

// An invocation is one event for the process, and the answer to it.
type invocation struct {
	id       string
	event    []byte
	deadline time.Time
	instance *instance
	timer    *time.Timer
	began    time.Time // when the process got it
	first    bool      // for the process

	answered chan struct{} // closed when request is set
	request  *http.Request // that carries the answer
	failed   bool          // the answer is an error

	consumed chan struct{} // closed when the answer has been read
	status   int           // the HTTP status that the function gets for its answer
}

// routes returns the Runtime API, and the part of the Extensions API that an
// internal extension needs.
func (i *instance) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", i.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", i.response)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", i.response)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", i.initError)
	mux.HandleFunc("POST /2020-01-01/extension/register", i.register)
	mux.HandleFunc("GET /2020-01-01/extension/event/next", i.extensionNext)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		i.violate("%s %s is not part of the Runtime API", r.Method, r.URL.Path)
		http.NotFound(w, r)
	})
	return mux
}

// next hands out an invocation. The process may be frozen until one arrives.
func (i *instance) next(w http.ResponseWriter, r *http.Request) {
	i.makeReady()
	p := i.environment.platform
	if p.options.Freeze && p.options.Concurrency == 1 {
		if err := i.freeze(); err != nil && i.alive() {
			i.violate("freeze: %v", err)
		}
	}
	var inv *invocation
	select {
	case inv = <-i.queue:
	case <-r.Context().Done():
		return
	}
	i.mu.Lock()
	i.pending[inv.id] = inv
	inv.began, inv.first = time.Now(), !i.used
	i.used = true
	i.mu.Unlock()
	// It fails when the process is gone. Then the invocation fails too.
	_ = i.thaw()
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(inv.deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Trace-Id", "Root=1-6720a1b2-"+inv.id[:8]+"0000000000000000;Parent=0000000000000000;Sampled=0")
	h.Set("Lambda-Runtime-Invoked-Function-Arn", arnPrefix+p.options.Name)
	h.Set("Content-Length", strconv.Itoa(len(inv.event)))
	w.Write(inv.event)
}

func (i *instance) makeReady() {
	i.mu.Lock()
	defer i.mu.Unlock()
	select {
	case <-i.ready:
	default:
		close(i.ready)
		i.init = time.Since(i.started)
		i.record(Ready, "")
	}
}

// response takes the answer to an invocation, or the error that ended it.
func (i *instance) response(w http.ResponseWriter, r *http.Request) {
	inv := i.claim(r.PathValue("id"))
	if inv == nil {
		i.violate("POST %s answers no invocation under way", r.URL.Path)
		http.Error(w, `{"errorType":"InvalidRequestID"}`, http.StatusBadRequest)
		return
	}
	inv.request = r
	inv.failed = r.URL.Path[len(r.URL.Path)-len("/error"):] == "/error"
	close(inv.answered)
	<-inv.consumed // result or the front end reads the body first
	w.WriteHeader(inv.status)
	io.WriteString(w, `{"status":"OK"}`) //nolint:errcheck // the process is gone then
}

// claim returns the invocation that an answer belongs to, for the first answer
// only.
func (i *instance) claim(id string) *invocation {
	i.mu.Lock()
	defer i.mu.Unlock()
	inv := i.pending[id]
	delete(i.pending, id)
	return inv
}

func (i *instance) initError(w http.ResponseWriter, r *http.Request) {
	notice, _ := io.ReadAll(io.LimitReader(r.Body, maxNotice))
	i.record(Violated, "initialization failed: "+string(notice))
	w.WriteHeader(http.StatusAccepted)
}

// register registers an extension. The platform only sends SIGTERM when there
// is one.
func (i *instance) register(w http.ResponseWriter, r *http.Request) {
	select {
	case <-i.ready:
		i.violate("an extension registers after the initialization")
		http.Error(w, `{"errorType":"Extension.InvalidExtensionState"}`, http.StatusForbidden)
		return
	default:
	}
	var body struct {
		Events []string `json:"events"`
	}
	name := r.Header.Get("Lambda-Extension-Name")
	if err := json.NewDecoder(io.LimitReader(r.Body, maxNotice)).Decode(&body); err != nil || name == "" {
		i.violate("an extension registers without a name or a list of events")
		http.Error(w, `{"errorType":"Extension.InvalidExtensionName"}`, http.StatusBadRequest)
		return
	}
	for _, event := range body.Events {
		if event == "SHUTDOWN" {
			i.violate("an internal extension registers for SHUTDOWN")
		}
	}
	i.mu.Lock()
	i.extensions++
	number := i.extensions
	i.mu.Unlock()
	w.Header().Set("Lambda-Extension-Identifier", fmt.Sprintf("extension-%d", number))
	io.WriteString(w, fmt.Sprintf(`{"functionName":%q,"functionVersion":"$LATEST","handler":"bootstrap"}`, i.environment.platform.options.Name)) //nolint:errcheck // the process is gone then
}

// extensionNext blocks until the request ends: an extension without events gets
// none.
func (i *instance) extensionNext(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Lambda-Extension-Identifier") == "" {
		i.violate("an extension asks for events without its identifier")
		http.Error(w, `{"errorType":"Extension.MissingHeader"}`, http.StatusForbidden)
		return
	}
	<-r.Context().Done()
}

// deliver waits for the process to ask for an invocation, and starts the clock.
func (i *instance) deliver(inv *invocation) {
	inv.timer = time.AfterFunc(time.Until(inv.deadline), func() { i.kill(TimedOut) })
	select {
	case i.queue <- inv:
	case <-i.dead:
	}
}

// wait returns when the answer begins, or says why none comes.
func (inv *invocation) wait() string {
	select {
	case <-inv.answered:
		return ""
	case <-inv.instance.dead:
	}
	select {
	case <-inv.answered:
		return ""
	default:
		return "Runtime.ExitError: " + inv.instance.exitReason()
	}
}

// result reads the whole answer.
func (inv *invocation) result() Result {
	r := Result{Instance: inv.instance.environment.index}
	if r.FunctionError = inv.wait(); r.FunctionError != "" {
		return r
	}
	r.ContentType = inv.request.Header.Get("Content-Type")
	var err error
	r.Payload, err = io.ReadAll(io.LimitReader(inv.request.Body, maxResponse+1))
	switch {
	case err != nil:
		r.FunctionError = "Runtime.ExitError: the answer breaks off: " + err.Error()
	case inv.failed:
		r.FunctionError = "Unhandled"
	case len(r.Payload) > maxResponse:
		r.FunctionError = "Function.ResponseSizeTooLarge"
		inv.finish(http.StatusRequestEntityTooLarge)
	default:
		r.FunctionError = inv.request.Trailer.Get("Lambda-Runtime-Function-Error-Type")
	}
	inv.finish(http.StatusAccepted)
	return r
}

// finish answers the function. Only the first status counts.
func (inv *invocation) finish(status int) {
	select {
	case <-inv.consumed:
	default:
		inv.status = status
		close(inv.consumed)
	}
}
