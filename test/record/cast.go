package main

import (
	"encoding/json"
	"io"
	"math"
	"time"
	"unicode/utf8"
)

// A cast writes a recording in the format asciicast v2: a line of JSON with the size of
// the terminal, and one for each piece of what it shows, with its time.
type cast struct {
	w     io.Writer
	began time.Time
	rest  []byte // the beginning of a character whose end has not come yet
}

func newCast(w io.Writer, s settings) *cast {
	c := &cast{w: w, began: time.Now()}
	c.line(map[string]any{
		"version": 2, "width": s.columns, "height": s.rows, "timestamp": c.began.Unix(), "title": fileName(s.output),
		"env": map[string]string{"SHELL": "bash", "TERM": "xterm-256color"},
	})
	return c
}

// show adds what the terminal shows now.
func (c *cast) show(data []byte) {
	data = append(c.rest, data...)
	whole := len(data)
	for back := 1; back < utf8.UTFMax && back <= len(data); back++ {
		if start := len(data) - back; utf8.RuneStart(data[start]) {
			if !utf8.FullRune(data[start:]) {
				whole = start
			}
			break
		}
	}
	c.rest = append([]byte(nil), data[whole:]...)
	if whole > 0 {
		after := math.Round(time.Since(c.began).Seconds()*1e6) / 1e6
		c.line([]any{after, "o", string(data[:whole])})
	}
}

func (c *cast) line(v any) {
	text, err := json.Marshal(v)
	if err == nil {
		_, _ = c.w.Write(append(text, '\n')) // to memory
	}
}
