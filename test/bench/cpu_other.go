//go:build !unix

package main

import (
	"errors"
	"time"
)

// processCPU needs getrusage(2).
func processCPU() (time.Duration, error) { return 0, errors.ErrUnsupported }
