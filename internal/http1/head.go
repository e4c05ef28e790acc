package http1

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// A head is what stands before the body of a response.
type head struct {
	proto   string // HTTP/1.1 or HTTP/1.0
	status  string // the code and its reason
	code    int
	fields  http.Header
	length  int64 // of the body, -1 when it is not known
	chunked bool
	close   bool // the connection ends with the response
}

// readBlock appends the lines up to an empty one to dst, each with its end.
// They may have limit bytes.
func readBlock(r *bufio.Reader, dst []byte, limit int) ([]byte, error) {
	for {
		start := len(dst)
		for {
			part, err := r.ReadSlice('\n')
			if len(dst)+len(part) > limit {
				return nil, fmt.Errorf("the fields have more than %d bytes", limit)
			}
			dst = append(dst, part...)
			if err == nil {
				break
			}
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			if !errors.Is(err, bufio.ErrBufferFull) {
				return nil, err
			}
		}
		line := dst[start:]
		if len(line) < 2 || line[len(line)-2] != '\r' {
			return nil, errors.New("a line does not end in CRLF")
		}
		if len(line) == 2 {
			return dst[:start], nil
		}
	}
}

// parseHead reads the lines of a head (RFC 9112, sections 4 to 6).
func parseHead(block string) (h head, err error) {
	line, rest, _ := strings.Cut(block, "\r\n")
	if err := h.parseStatus(line); err != nil {
		return h, err
	}
	n := strings.Count(rest, "\r\n")
	if n > maxFields {
		return h, fmt.Errorf("more than %d fields", maxFields)
	}
	h.fields = make(http.Header, n)
	values := make([]string, 0, n) // of all fields
	for rest != "" {
		line, rest, _ = strings.Cut(rest, "\r\n")
		name, value, err := parseField(line)
		if err != nil {
			return h, err
		}
		if others := h.fields[name]; others != nil {
			h.fields[name] = append(others, value)
			continue
		}
		values = append(values, value)
		h.fields[name] = values[len(values)-1 : len(values) : len(values)]
	}
	return h, h.frame()
}

// parseStatus reads a status line, which may lack the reason.
func (h *head) parseStatus(line string) error {
	var ok bool
	h.proto, h.status, ok = strings.Cut(line, " ")
	if !ok || h.proto != "HTTP/1.1" && h.proto != "HTTP/1.0" {
		return fmt.Errorf("%.64q does not begin a response of HTTP/1", line)
	}
	code, _, _ := strings.Cut(h.status, " ")
	n, err := strconv.ParseUint(code, 10, 16)
	if err != nil || len(code) != 3 || n < 100 || !isFieldValue(h.status) {
		return fmt.Errorf("%.64q is not a status line", line)
	}
	h.code = int(n)
	return nil
}

// parseField reads a field. A line that goes on with the one before, which
// begins with a space, is none.
func parseField(line string) (name, value string, err error) {
	name, value, ok := strings.Cut(line, ":")
	if !ok || !isToken(name) || !isFieldValue(value) {
		return "", "", fmt.Errorf("%.64q is not a field", line)
	}
	return textproto.CanonicalMIMEHeaderKey(name), strings.Trim(value, " \t"), nil
}

// frame finds out where the body ends (RFC 9112, section 6.3).
func (h *head) frame() error {
	h.length = -1
	h.close = h.proto == "HTTP/1.0" || hasToken(h.fields["Connection"], "close")
	codings, lengths := h.fields["Transfer-Encoding"], h.fields["Content-Length"]
	switch {
	case codings != nil && (lengths != nil || h.proto == "HTTP/1.0" || len(codings) != 1 || !strings.EqualFold(codings[0], "chunked")):
		return errors.New("the body is encoded in another way than chunked alone")
	case lengths != nil:
		n, err := strconv.ParseUint(lengths[0], 10, 62)
		if err != nil || len(lengths) != 1 {
			return errors.New("the length of the body is not one number")
		}
		h.length = int64(n)
	}
	if h.code < 200 || h.code == http.StatusNoContent || h.code == http.StatusNotModified {
		h.length, h.chunked = 0, false
		return nil
	}
	h.chunked = codings != nil
	h.close = h.close || h.length < 0 && !h.chunked
	return nil
}

// hasToken reports whether a list of tokens has one.
func hasToken(values []string, token string) bool {
	for _, value := range values {
		for one := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.Trim(one, " \t"), token) {
				return true
			}
		}
	}
	return false
}
