package hostconfig

import "errors"

// A hintError is an error with a hint for the user.
type hintError struct {
	error
	hint string
}

func (e hintError) Unwrap() error { return e.error }

func withHint(err error, hint string) error { return hintError{err, hint} }

// Hint returns what the user can do about an error of this package, or "".
func Hint(err error) string {
	if e, ok := errors.AsType[hintError](err); ok {
		return e.hint
	}
	return ""
}
