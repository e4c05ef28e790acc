package bundle

import "fmt"

// An Error is an error of this package, with a hint for the user.
type Error struct {
	Err    error
	Advice string // for the user
}

// Error names the problem.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hint returns what the user can do about it.
func (e *Error) Hint() string { return e.Advice }

func hint(advice, format string, args ...any) error {
	return &Error{fmt.Errorf(format, args...), advice}
}
