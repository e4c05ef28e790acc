//go:build !unix

package httpserver

import "math"

// maxFiles returns how many files the process may open: here the system sets no
// limit that matters.
func maxFiles() int { return math.MaxInt32 }
