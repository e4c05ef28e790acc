//go:build !unix

package locallambda

import (
	"errors"
	"os"
)

func suspend(*os.Process) error   { return errors.ErrUnsupported }
func resume(*os.Process) error    { return errors.ErrUnsupported }
func terminate(*os.Process) error { return errors.ErrUnsupported }
