package locallambda

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The default name of a function, and the credentials that its processes have.
const (
	Function  = "function"
	AccessKey = "AKIDEXAMPLE"
	secretKey = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
)

// maxAsynchronous bounds the event of an asynchronous invocation.
const maxAsynchronous = 1 << 20

// An invoker is the Invoke operation of the Lambda API. An asynchronous invocation
// is delivered at least once, and again when it fails.
type invoker struct {
	platform *Platform
	ctx      context.Context // of the deliveries
	cancel   context.CancelFunc

	mu        sync.Mutex
	number    int // of the last asynchronous invocation
	stopped   bool
	deliverer sync.WaitGroup
}

func newInvoker(p *Platform) *invoker {
	ctx, cancel := context.WithCancel(context.Background())
	return &invoker{platform: p, ctx: ctx, cancel: cancel}
}

// stop gives up what waits for delivery, and waits for the rest.
func (i *invoker) stop() {
	i.mu.Lock()
	i.stopped = true
	i.mu.Unlock()
	i.cancel()
	i.deliverer.Wait()
}

func (i *invoker) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /2015-03-31/functions/{name}/invocations", i)
	return mux
}

// ServeHTTP answers a call of Invoke.
func (i *invoker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind := r.Header.Get("X-Amz-Invocation-Type")
	name, _, _ := strings.Cut(strings.TrimPrefix(r.PathValue("name"), arnPrefix), ":")
	limit := maxResponse
	if kind == "Event" {
		limit = maxAsynchronous
	}
	event, err := io.ReadAll(io.LimitReader(r.Body, int64(limit)+1))
	switch {
	case !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential="+AccessKey+"/"):
		refuse(w, http.StatusForbidden, "AccessDeniedException", "the request is not signed by the function")
	case name != i.platform.options.Name:
		refuse(w, http.StatusNotFound, "ResourceNotFoundException", "Function not found: "+name)
	case err != nil || len(event) > limit:
		refuse(w, http.StatusRequestEntityTooLarge, "RequestTooLargeException", "the event is too large")
	case !json.Valid(event):
		refuse(w, http.StatusBadRequest, "InvalidRequestContentException", "the event is not JSON")
	case i.platform.throttled.Load():
		refuse(w, http.StatusTooManyRequests, "TooManyRequestsException", "Rate Exceeded.")
	case kind == "Event":
		if !i.accept(event) {
			refuse(w, http.StatusInternalServerError, "ServiceException", "the platform stops")
			return
		}
		w.WriteHeader(http.StatusAccepted)
	default:
		i.answer(w, r, event)
	}
}

func refuse(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Errortype", kind)
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"Message": message, "Type": "User"}) //nolint:errchkjson,errcheck // the caller is gone then
}

// answer invokes the function and waits.
func (i *invoker) answer(w http.ResponseWriter, r *http.Request, event []byte) {
	result, err := i.platform.Invoke(r.Context(), event)
	if err != nil {
		refuse(w, http.StatusBadGateway, "ServiceException", err.Error())
		return
	}
	if result.FunctionError != "" {
		w.Header().Set("X-Amz-Function-Error", "Unhandled")
	}
	w.Header().Set("X-Amz-Executed-Version", "$LATEST")
	w.Write(result.Payload)
}

// accept has an event delivered. Every so many events are delivered twice.
func (i *invoker) accept(event []byte) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.stopped {
		return false
	}
	copies := 1
	if i.number++; i.platform.options.Duplicates > 0 && i.number%i.platform.options.Duplicates == 0 {
		copies = 2
	}
	for range copies {
		i.deliverer.Go(func() { i.deliver(event) })
	}
	return true
}

// deliver invokes the function, and again after each of the waits while it fails.
func (i *invoker) deliver(event []byte) {
	waits := i.platform.options.Retries
	for attempt := 0; ; attempt++ {
		result, err := i.platform.Invoke(i.ctx, event)
		switch {
		case i.ctx.Err() != nil, err == nil && result.FunctionError == "":
			return
		case attempt == len(waits):
			i.platform.record(Entry{Kind: Dropped, Instance: result.Instance, Detail: strconv.Itoa(attempt+1) + " attempts: " + result.FunctionError})
			return
		}
		timer := time.NewTimer(waits[attempt])
		select {
		case <-timer.C:
		case <-i.ctx.Done():
			timer.Stop()
			return
		}
	}
}
