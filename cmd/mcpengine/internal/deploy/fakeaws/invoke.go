package fakeaws

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
)

// An Invoke runs a function: it returns the payload, and why the function has
// failed, or "".
type Invoke func(r *http.Request, event []byte) (payload []byte, failure string)

const invocation = "/response-streaming-invocations"

// serveInvoke answers InvokeWithResponseStream.
func (s *Server) serveInvoke(w http.ResponseWriter, r *http.Request, name string) {
	event, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, f := s.do("lambda:InvokeWithResponseStream", r, json.Marshal, func() (any, *Fault) {
		if s.functions[name] == nil {
			return nil, fault(http.StatusNotFound, "ResourceNotFoundException", "Function not found: arn:aws:lambda:%s:%s:function:%s", Region, Account, name)
		}
		return nil, nil
	})
	if f != nil {
		w.Header().Set("X-Amzn-ErrorType", f.Code)
		answerJSON(w, "application/json", f.status(), map[string]string{"Message": f.Message})
		return
	}
	payload, failure := s.invocation()(r, event)
	w.Header().Set("Content-Type", "application/vnd.amazon.eventstream")
	for len(payload) > 0 { // in pieces that end anywhere
		n := min(len(payload), 100)
		send(w, "PayloadChunk", payload[:n])
		payload = payload[n:]
	}
	end, err := json.Marshal(map[string]string{"ErrorCode": failure, "ErrorDetails": "", "LogResult": ""})
	if failure == "" || err != nil {
		end = []byte(`{}`)
	}
	send(w, "InvokeComplete", end)
}

// SetInvoke replaces Invoke while the server runs.
func (s *Server) SetInvoke(invoke Invoke) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Invoke = invoke
}

func (s *Server) invocation() Invoke {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Invoke != nil {
		return s.Invoke
	}
	return s.invoke
}

// serveWholeInvoke answers Invoke.
func (s *Server) serveWholeInvoke(w http.ResponseWriter, r *http.Request, name string, event []byte) {
	_, f := s.do("lambda:Invoke", r, json.Marshal, func() (any, *Fault) {
		if f := s.functions[name]; f == nil || f.at(r.URL.Query().Get("Qualifier")) == nil {
			return nil, noResource()
		}
		return nil, nil
	})
	if f != nil {
		w.Header().Set("X-Amzn-ErrorType", f.Code)
		answerJSON(w, "application/json", f.status(), map[string]string{"Message": f.Message})
		return
	}
	payload, failure := s.invocation()(r, event)
	if failure != "" {
		w.Header().Set("X-Amz-Function-Error", failure)
	}
	answer(w, "application/json", http.StatusOK, payload)
}

// send sends an event. A client that has gone has nobody to tell.
func send(w http.ResponseWriter, kind string, payload []byte) {
	m := eventstream.Message{Payload: payload}
	m.Headers.Set(":message-type", eventstream.StringValue("event"))
	m.Headers.Set(":event-type", eventstream.StringValue(kind))
	_ = eventstream.NewEncoder().Encode(w, m)
	_ = http.NewResponseController(w).Flush()
}

// invoke has Function answer an event of payload format 2.0, as a function with
// a buffered answer.
func (s *Server) invoke(r *http.Request, data []byte) ([]byte, string) {
	var event struct {
		RawPath, RawQueryString, Body string
		Headers                       map[string]string
		IsBase64Encoded               bool
		RequestContext                struct{ HTTP struct{ Method string } }
	}
	if err := json.Unmarshal(data, &event); err != nil || s.Function == nil {
		return []byte(`{"errorMessage":"no event"}`), "Unhandled"
	}
	body := []byte(event.Body)
	if event.IsBase64Encoded {
		body, _ = base64.StdEncoding.DecodeString(event.Body)
	}
	asked, err := http.NewRequestWithContext(r.Context(), event.RequestContext.HTTP.Method, "http://localhost"+event.RawPath+"?"+event.RawQueryString, bytes.NewReader(body))
	if err != nil {
		return []byte(`{"errorMessage":"no request"}`), "Unhandled"
	}
	for name, value := range event.Headers {
		asked.Header.Set(name, value)
	}
	answered := httptest.NewRecorder()
	s.Function.ServeHTTP(answered, asked)
	headers := map[string]string{}
	for name, values := range answered.Header() {
		headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	payload, err := json.Marshal(map[string]any{"statusCode": answered.Code, "headers": headers, "body": answered.Body.String()})
	if err != nil {
		return nil, "Unhandled"
	}
	return payload, ""
}
