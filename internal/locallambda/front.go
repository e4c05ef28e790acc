package locallambda

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

// A functionURL is the front end: it turns each request into an event and each
// answer into a response. It fails with 502 and a line in the ledger where the
// real one would pass on a broken answer.
type functionURL struct{ platform *Platform }

const domain = "abcdefghijklmnopqrstuvwxyz012345.lambda-url.eu-west-1.on.aws"

// ServeHTTP answers one request. Like the platform, it does not end the
// invocation when the client disconnects.
func (f *functionURL) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	event, err := f.event(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	inv, err := f.platform.begin(context.WithoutCancel(r.Context()), event)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer f.platform.end(inv)
	w.Header().Set("X-Amzn-Requestid", inv.id)
	if f.platform.options.Stream {
		f.stream(w, inv)
		return
	}
	f.buffer(w, inv)
}

var errTooLarge = errors.New("the request is larger than 6 MB")

// event describes the request the way a Function URL does: names in lower case,
// repeated headers joined, cookies in a list of their own, and a body that is
// not text in Base64.
func (f *functionURL) event(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxResponse+1))
	if err != nil || len(body) > maxResponse {
		return nil, errTooLarge
	}
	headers := map[string]string{"host": domain, "x-forwarded-proto": "https", "x-forwarded-port": "443"}
	for name, values := range r.Header {
		if name != "Cookie" {
			headers[strings.ToLower(name)] = strings.Join(values, ",")
		}
	}
	ip, _, _ := net.SplitHostPort(r.RemoteAddr)
	headers["x-forwarded-for"] = ip
	event := map[string]any{
		"version": "2.0", "routeKey": "$default",
		"rawPath": r.URL.EscapedPath(), "rawQueryString": r.URL.RawQuery,
		"headers": headers,
		"requestContext": map[string]any{
			"accountId": "anonymous", "apiId": domain[:32], "domainName": domain, "domainPrefix": domain[:32],
			"http": map[string]string{
				"method": r.Method, "path": r.URL.Path, "protocol": "HTTP/1.1", "sourceIp": ip, "userAgent": r.UserAgent(),
			},
			"requestId": fmt.Sprintf("url-%d", time.Now().UnixNano()), "routeKey": "$default", "stage": "$default",
			"timeEpoch": time.Now().UnixMilli(),
		},
		"isBase64Encoded": false,
	}
	if cookies := cookies(r); len(cookies) > 0 {
		event["cookies"] = cookies
	}
	switch {
	case len(body) == 0:
	case isText(r.Header, body):
		event["body"] = string(body)
	default:
		event["body"], event["isBase64Encoded"] = base64.StdEncoding.EncodeToString(body), true
	}
	encoded, err := json.Marshal(event)
	if err == nil && len(encoded) > maxResponse {
		err = errTooLarge
	}
	return encoded, err
}

func cookies(r *http.Request) []string {
	var split []string
	for _, line := range r.Header["Cookie"] {
		for cookie := range strings.SplitSeq(line, ";") {
			split = append(split, strings.TrimSpace(cookie))
		}
	}
	return split
}

// isText reports whether the body is text. The content type counts too.
func isText(h http.Header, body []byte) bool {
	mediaType, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	text := err == nil && (strings.HasPrefix(mediaType, "text/") || mediaType == "application/json" || mediaType == "application/xml")
	return text && h.Get("Content-Encoding") == "" && utf8.Valid(body)
}

// A head is the part of an answer before the body. It has members that a
// Function URL ignores, so that answers with them can be refused.
type head struct {
	StatusCode        int               `json:"statusCode"`
	Headers           map[string]string `json:"headers"`
	Cookies           []string          `json:"cookies"`
	Body              *string           `json:"body"`
	IsBase64Encoded   bool              `json:"isBase64Encoded"`
	MultiValueHeaders json.RawMessage   `json:"multiValueHeaders"`
	StatusDescription json.RawMessage   `json:"statusDescription"`
}

func parseHead(text []byte) (head, error) {
	var h head
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&h); err != nil {
		return h, fmt.Errorf("parse the answer: %w", err)
	}
	switch {
	case dec.More():
		return h, errors.New("there is something after the answer: a prelude in buffered mode")
	case h.StatusCode < 200 || h.StatusCode > 599:
		return h, fmt.Errorf("statusCode is %d", h.StatusCode)
	case h.MultiValueHeaders != nil || h.StatusDescription != nil:
		return h, errors.New("the answer is meant for another front end")
	}
	for name := range h.Headers {
		if strings.EqualFold(name, "Set-Cookie") {
			return h, errors.New("cookies are among the headers")
		}
	}
	return h, nil
}

const framedType = "application/vnd.awslambda.http-integration-response"

func (f *functionURL) buffer(w http.ResponseWriter, inv *invocation) {
	result := inv.result()
	if result.FunctionError != "" {
		http.Error(w, "Internal Server Error", http.StatusBadGateway)
		return
	}
	if result.ContentType == framedType {
		f.refuse(w, inv, errors.New("a streamed answer in buffered mode"))
		return
	}
	h, err := parseHead(result.Payload)
	if err == nil && h.Body == nil {
		err = errors.New("the answer has no body")
	}
	if err != nil {
		f.refuse(w, inv, err)
		return
	}
	body := []byte(*h.Body)
	if h.IsBase64Encoded {
		if body, err = base64.StdEncoding.Strict().DecodeString(*h.Body); err != nil {
			f.refuse(w, inv, err)
			return
		}
	}
	writeHead(w, h)
	w.Write(body) // the client is gone when this fails
}

func (f *functionURL) stream(w http.ResponseWriter, inv *invocation) {
	if why := inv.wait(); why != "" || inv.failed {
		http.Error(w, "Internal Server Error", http.StatusBadGateway)
		return
	}
	r := bufio.NewReader(inv.request.Body)
	if inv.request.Header.Get("Content-Type") != framedType {
		f.refuse(w, inv, errors.New("a buffered answer in streaming mode"))
		return
	}
	prelude, err := readPrelude(r)
	if err != nil {
		f.refuse(w, inv, err)
		return
	}
	h, err := parseHead(prelude)
	if err == nil && h.Body != nil {
		err = errors.New("the prelude has a body")
	}
	if err != nil {
		f.refuse(w, inv, err)
		return
	}
	writeHead(w, h)
	http.NewResponseController(w).Flush()
	if _, err := io.Copy(flusher{w}, r); err != nil {
		panic(http.ErrAbortHandler) // breaks off the client's stream too
	}
	if inv.request.Trailer.Get("Lambda-Runtime-Function-Error-Type") != "" {
		panic(http.ErrAbortHandler)
	}
}

// readPrelude reads up to the eight NUL bytes.
func readPrelude(r *bufio.Reader) ([]byte, error) {
	const most = 128 << 10
	var prelude []byte
	for !bytes.HasSuffix(prelude, make([]byte, 8)) {
		b, err := r.ReadByte()
		if err != nil || len(prelude) > most {
			return nil, fmt.Errorf("the answer has no prelude: it starts with %.80q", prelude)
		}
		prelude = append(prelude, b)
	}
	return prelude[:len(prelude)-8], nil
}

// refuse answers 502 and records the error.
func (f *functionURL) refuse(w http.ResponseWriter, inv *invocation, err error) {
	inv.instance.violate("%v", err)
	http.Error(w, "locallambda: "+err.Error(), http.StatusBadGateway)
}

// writeHead writes the headers. The platform sets some of them itself.
func writeHead(w http.ResponseWriter, h head) {
	for name, value := range h.Headers {
		switch strings.ToLower(name) {
		case "www-authenticate", "connection", "date", "server":
			name = "x-amzn-remapped-" + name
		}
		w.Header().Set(name, value)
	}
	for _, cookie := range h.Cookies {
		w.Header().Add("Set-Cookie", cookie)
	}
	w.WriteHeader(h.StatusCode)
}

// A flusher flushes each Write.
type flusher struct{ w http.ResponseWriter }

func (f flusher) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	if err == nil {
		err = http.NewResponseController(f.w).Flush()
	}
	return n, err
}
