package awsauth

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// A head is the beginning of the payload of an answer, or all of it.
type head struct {
	StatusCode      int               `json:"statusCode"`
	Headers         map[string]string `json:"headers"`
	Cookies         []string          `json:"cookies"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

// maxHead bounds a head. The head of a buffered answer has the whole body,
// which may be longer in JSON, and Lambda counts it as JSON.
const maxHead = maxPayload + 1<<10

// readAnswer turns a payload into a response. A streamed answer is a head without
// a body, eight NUL bytes and the body; a buffered one is a head. JSON has no
// NUL bytes, so the two cannot be confused. The response closes the
// payload.
func readAnswer(payload io.ReadCloser) (*http.Response, error) {
	r := bufio.NewReaderSize(payload, 16<<10)
	text, streamed, err := readHead(r)
	if err != nil {
		return nil, err
	}
	h, err := parseHead(text)
	if err != nil {
		return nil, err
	}
	resp := &http.Response{
		StatusCode: h.StatusCode,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h.header(), Body: readCloser{r, payload}, ContentLength: -1,
	}
	if streamed {
		return resp, nil
	}
	body := []byte(h.Body)
	if h.IsBase64Encoded {
		if body, err = base64.StdEncoding.DecodeString(h.Body); err != nil {
			return nil, fmt.Errorf("the body of the function's answer is not base64, as the answer says: %w", err)
		}
	}
	resp.Body, resp.ContentLength = readCloser{bytes.NewReader(body), payload}, int64(len(body))
	return resp, nil
}

// ParseAnswer turns the whole payload of an answer, streamed or not, into a
// response.
func ParseAnswer(payload []byte) (*http.Response, error) {
	return readAnswer(io.NopCloser(bytes.NewReader(payload)))
}

// separator stands between the head and the body of a streamed answer.
var separator = make([]byte, 8)

// readHead reads up to the separator, or to the end.
func readHead(r *bufio.Reader) (text []byte, streamed bool, err error) {
	for {
		part, err := r.ReadSlice(0)
		if len(text)+len(part) > maxHead {
			return nil, false, fmt.Errorf("the function's answer begins with more than the %d bytes that Lambda allows", maxPayload)
		}
		text = append(text, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF):
			return text, false, nil
		case err != nil:
			return nil, false, err
		}
		rest := separator[1:]
		got, err := r.Peek(len(rest))
		if !bytes.Equal(got, rest) {
			if err != nil && !errors.Is(err, io.EOF) {
				return nil, false, err
			}
			return nil, false, errors.New("the function's answer has NUL bytes that do not separate a head from a body")
		}
		_, err = r.Discard(len(rest))
		return text[:len(text)-1], true, err
	}
}

// parseHead reads a head. An answer without a status is all body, as Function URLs
// treat it.
func parseHead(text []byte) (head, error) {
	var members map[string]json.RawMessage
	if json.Unmarshal(text, &members) != nil || members["statusCode"] == nil {
		if !json.Valid(text) {
			return head{}, errors.New("the function's answer is not JSON: is it an MCP server?")
		}
		return head{StatusCode: http.StatusOK, Headers: map[string]string{"content-type": "application/json"}, Body: string(text)}, nil
	}
	var h head
	if err := json.Unmarshal(text, &h); err != nil {
		return h, fmt.Errorf("the function's answer does not have the form of an HTTP response: %w", err)
	}
	if h.StatusCode < 200 || h.StatusCode > 599 {
		return h, fmt.Errorf("the function answers with the status %d", h.StatusCode)
	}
	return h, nil
}

// header returns the fields, without hop-by-hop and malformed ones.
func (h head) header() http.Header {
	header := make(http.Header, len(h.Headers))
	for name, value := range h.Headers {
		switch name = http.CanonicalHeaderKey(name); name {
		case "Connection", "Content-Length", "Keep-Alive", "Trailer", "Transfer-Encoding", "Upgrade", "Location":
			continue
		}
		if isField(name, value) {
			header.Set(name, value)
		}
	}
	for _, cookie := range h.Cookies {
		if isField("Set-Cookie", cookie) {
			header.Add("Set-Cookie", cookie)
		}
	}
	return header
}

// isField reports whether name and value make a valid field (RFC 9110, sections
// 5.1 and 5.5).
func isField(name, value string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	}) && !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}
