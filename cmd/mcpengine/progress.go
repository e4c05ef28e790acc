package main

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/mcpengine/mcpengine/internal/terminal"
	"github.com/mcpengine/mcpengine/mcp"
)

// A progressBar is a line of a terminal that shows the progress of a call. It is
// removed before the answer is printed.
type progressBar struct {
	w  *terminal.Writer
	on bool

	mu    sync.Mutex
	drawn bool
}

const barWidth = 20

func (b *progressBar) show(p mcp.ProgressNotificationParams) {
	if !b.on {
		return // it was asked for so that the call is not taken for silent
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	line := fmt.Sprintf("%g", p.Progress)
	if p.Total != nil && *p.Total > 0 {
		part := math.Min(math.Max(p.Progress / *p.Total, 0), 1)
		done := int(part * barWidth)
		line = fmt.Sprintf("[%s%s] %3.0f%%", strings.Repeat("=", done), strings.Repeat(" ", barWidth-done), 100*part)
	}
	line += " " + terminal.Fold(p.Message)
	for utf8.RuneCountInString(line) >= columns {
		_, size := utf8.DecodeLastRuneInString(line)
		line = line[:len(line)-size]
	}
	// Back to the beginning of the line, which is cleared.
	b.w.Printf("\r\x1b[K%s", strings.TrimSpace(line))
	b.drawn = true
}

// clear removes the line before something else is printed.
func (b *progressBar) clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.drawn {
		b.w.Printf("\r\x1b[K")
		b.drawn = false
	}
}
