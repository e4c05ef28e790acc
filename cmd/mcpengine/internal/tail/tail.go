// Package tail keeps the end of what a program writes, for errors to quote.
package tail

import (
	"slices"
	"strings"
	"sync"
)

// maxKept is how much is kept, in bytes.
const maxKept = 8 << 10

// A Writer keeps the end of what is written to it. The zero value is empty.
type Writer struct {
	mu   sync.Mutex
	kept []byte
}

// Write implements [io.Writer].
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kept = append(w.kept, p[max(0, len(p)-maxKept):]...)
	w.kept = slices.Delete(w.kept, 0, max(0, len(w.kept)-maxKept))
	return len(p), nil
}

// String returns what is kept, without white space around it.
func (w *Writer) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.TrimSpace(string(w.kept))
}
