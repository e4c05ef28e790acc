package lambda

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// An answer is a JSON object that starts with the headers, followed by the
// status. The headers are encoded when the handler writes the status, because
// changes after that must have no effect. The content type is encoded later: it
// may still be guessed from the body, or change with it.

// appendHeaders encodes the headers and leaves their last object open for the
// content type.
func (w *writer) appendHeaders() {
	if types := w.header["Content-Type"]; len(types) > 0 {
		w.contentType = types[0]
	}
	b := append(make([]byte, 0, 384), '{')
	switch w.exchange.frontEnd.shape {
	case shapeCookies:
		b = append(b, `"cookies":`...)
		b = appendStrings(b, w.header["Set-Cookie"])
		b = append(b, `,"headers":{`...)
		b = w.appendEach(b, appendJoined, func(name string, _ []string) bool { return name != "Set-Cookie" })
	case shapeBoth:
		b = append(b, `"multiValueHeaders":{`...)
		b = w.appendEach(b, appendStrings, func(_ string, values []string) bool { return len(values) > 1 })
		b = append(b, `},"headers":{`...)
		b = w.appendEach(b, appendJoined, func(_ string, values []string) bool { return len(values) == 1 })
	case shapeStatus:
		b = w.appendBalanced(b)
	}
	w.headers = b
}

// appendBalanced encodes the headers for a load balancer. It ignores headers
// that do not have the form that the target group is set to.
func (w *writer) appendBalanced(b []byte) []byte {
	if w.multi() {
		b = append(b, `"multiValueHeaders":{`...)
		return w.appendEach(b, appendStrings, func(string, []string) bool { return true })
	}
	b = append(b, `"headers":{`...)
	b = w.appendEach(b, appendJoined, func(name string, _ []string) bool { return name != "Set-Cookie" })
	// Cookies cannot be joined (RFC 6265, section 3).
	cookies := w.header["Set-Cookie"]
	if len(cookies) == 0 {
		return b
	}
	if len(cookies) > 1 {
		w.exchange.adapter.cookies.Do(func() {
			w.exchange.log(context.Background(), slog.LevelWarn, "cookies are dropped, now and from here on: turn multi-value headers on for the target group of the load balancer")
		})
	}
	return appendField(b, "Set-Cookie", cookies[:1], appendJoined)
}

// multi reports whether a load balancer sends and wants lists of values.
func (w *writer) multi() bool {
	return w.exchange.frontEnd == balancer && w.exchange.event.MultiHeader.header != nil
}

type appendValues func(b []byte, values []string) []byte

// appendEach encodes the wanted headers as members.
func (w *writer) appendEach(b []byte, encode appendValues, wanted func(name string, values []string) bool) []byte {
	for name, values := range w.header {
		if len(values) > 0 && isForClient(name) && wanted(name, values) {
			b = appendField(b, name, values, encode)
		}
	}
	return b
}

// isForClient reports whether a header is for the client. The front end sets the
// headers of the connection and the length of the body itself. It would reject
// an invalid name, such as the name of a trailer in net/http.
func isForClient(name string) bool {
	switch name {
	case "Content-Type", "Content-Length", "Connection", "Keep-Alive", "Transfer-Encoding", "Trailer", "Upgrade", "Date":
		return false
	}
	for i := range len(name) {
		if c := name[i]; c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return name != ""
}

// appendField encodes a header under its name in lower case.
func appendField(b []byte, name string, values []string, encode appendValues) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	b = append(b, '"')
	for i := range len(name) {
		c := name[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		b = append(b, c)
	}
	b = append(b, '"', ':')
	return encode(b, values)
}

// appendJoined encodes values as one (RFC 9110, section 5.3).
func appendJoined(b []byte, values []string) []byte {
	if len(values) == 1 {
		return jsonrpc.AppendString(b, fieldValue(values[0]))
	}
	return jsonrpc.AppendString(b, fieldValue(strings.Join(values, ", ")))
}

func appendStrings(b []byte, values []string) []byte {
	b = append(b, '[')
	for i, value := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = jsonrpc.AppendString(b, fieldValue(value))
	}
	return append(b, ']')
}

// fieldValue replaces line ends in a value, as net/http does, so that it cannot
// start another header.
func fieldValue(value string) string {
	if strings.ContainsAny(value, "\r\n") {
		return strings.NewReplacer("\r", " ", "\n", " ").Replace(value)
	}
	return value
}

// appendHead encodes everything up to the body.
func (w *writer) appendHead(b []byte) []byte {
	b = append(b, w.headers...)
	if w.contentType != "" {
		encode := appendJoined
		if w.multi() {
			encode = appendStrings
		}
		b = appendField(b, "Content-Type", []string{w.contentType}, encode)
	}
	b = append(b, `},"statusCode":`...)
	b = strconv.AppendInt(b, int64(w.status), 10)
	if w.exchange.frontEnd == balancer {
		b = append(b, `,"statusDescription":`...)
		b = jsonrpc.AppendString(b, strconv.Itoa(w.status)+" "+http.StatusText(w.status))
	}
	return b
}

// prelude returns the start of a streamed answer: the head, eight NUL bytes,
// and the beginning of the body.
func (w *writer) prelude() []byte {
	b := w.appendHead(make([]byte, 0, len(w.headers)+len(w.body)+128))
	b = append(b, "}\x00\x00\x00\x00\x00\x00\x00\x00"...)
	return append(b, w.body...)
}
