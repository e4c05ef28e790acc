package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
)

// Redact describes an error for the log, where the error comes from code that has
// seen a token. Such an error may quote the token in any spelling: percent-encoded, in
// base64, cut short. So its text is left out. The types of the error and of its
// causes remain, and the text of causes that are always the same.
//
// The text of [*InvalidTokenError] and [*UnavailableError] remains too: it must
// not quote the token.
func Redact(err error) string {
	text := ""
	for depth := 0; err != nil && depth < 10; depth++ {
		if depth > 0 {
			text += ": "
		}
		if known, ok := constant(err); ok {
			return text + known
		}
		text += fmt.Sprintf("%T", err)
		err = cause(err)
	}
	return text
}

// cause returns the error below err, and the first one of several.
func cause(err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok && len(joined.Unwrap()) > 0 {
		return joined.Unwrap()[0]
	}
	return errors.Unwrap(err)
}

// constant returns the text of an error that cannot quote anything.
func constant(err error) (string, bool) {
	switch e := err.(type) { //nolint:errorlint // Redact walks the chain itself
	case *InvalidTokenError:
		return e.Reason, true
	case *UnavailableError:
		return e.Reason, true
	case syscall.Errno:
		return e.Error(), true
	case *net.DNSError:
		switch {
		case e.IsNotFound:
			return "no such host", true
		case e.IsTimeout:
			return "lookup timed out", true
		}
	}
	for _, known := range [...]error{ErrInvalidToken, context.Canceled, context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed} {
		if err == known { //nolint:errorlint // as above
			return known.Error(), true
		}
	}
	return "", false
}
