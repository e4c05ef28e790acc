package lambda

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// A refusal says why a request does not reach the handler.
type refusal struct {
	status int
	reason string
}

// decodeBody puts the body of the request into x.body. It decodes Base64, which
// front ends use for anything that is not text, and gzip.
func (x *exchange) decodeBody() *refusal {
	x.body = x.event.Body
	if x.event.IsBase64Encoded {
		if refused := x.unwrap(); refused != nil {
			return refused
		}
	}
	header := x.event.header()
	codings := header["Content-Encoding"]
	if len(x.body) > 0 && len(codings) == 1 && (strings.EqualFold(codings[0], "gzip") || strings.EqualFold(codings[0], "x-gzip")) {
		if refused := x.unzip(); refused != nil {
			return refused
		}
		delete(header, "Content-Encoding")
		header["Content-Length"] = []string{strconv.Itoa(len(x.body))}
	}
	if int64(len(x.body)) > x.adapter.config.MaxBody {
		return x.tooLarge()
	}
	return nil
}

func (x *exchange) tooLarge() *refusal {
	return &refusal{http.StatusRequestEntityTooLarge, fmt.Sprintf("the message is larger than %d bytes", x.adapter.config.MaxBody)}
}

// unwrap decodes Base64 strictly: it accepts no line ends and no non-zero
// padding bits (RFC 4648, sections 3.1 and 3.5).
func (x *exchange) unwrap() *refusal {
	decoded := make([]byte, base64.StdEncoding.DecodedLen(len(x.body)))
	n, err := base64.StdEncoding.Strict().Decode(decoded, x.body)
	if err != nil || bytes.ContainsAny(x.body, "\r\n") {
		return &refusal{http.StatusBadRequest, "the body is not valid Base64"}
	}
	x.body = decoded[:n]
	return nil
}

// unzip decompresses the body up to its bound: a few kilobytes may hold a
// gigabyte of zeros.
func (x *exchange) unzip() *refusal {
	const malformed = "the body is not valid gzip"
	z, err := gzip.NewReader(bytes.NewReader(x.body))
	if err != nil {
		return &refusal{http.StatusBadRequest, malformed}
	}
	limit := x.adapter.config.MaxBody
	unzipped, err := io.ReadAll(io.LimitReader(z, limit+1))
	if err != nil {
		return &refusal{http.StatusBadRequest, malformed}
	}
	if int64(len(unzipped)) > limit {
		return x.tooLarge()
	}
	x.body = unzipped
	return nil
}
