package inspector

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// Time limits of a stream to the page: how often a line is sent when there is
// nothing to tell, and how long the page may take to read one.
const (
	heartbeat    = 15 * time.Second
	writeTimeout = 10 * time.Second
)

// maxStreams bounds the streams of events that are open.
const maxStreams = 16

// A stream writes lines of JSON to the page. A page that does not read loses it.
type stream struct {
	w          http.ResponseWriter
	controller *http.ResponseController
}

func newStream(w http.ResponseWriter) *stream {
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.WriteHeader(http.StatusOK)
	return &stream{w, http.NewResponseController(w)}
}

// write writes lines, and reports whether the page still reads.
func (s *stream) write(lines ...[]byte) bool {
	_ = s.controller.SetWriteDeadline(time.Now().Add(writeTimeout)) // every server has it
	for _, line := range lines {
		if _, err := s.w.Write(line); err != nil {
			return false
		}
	}
	return s.controller.Flush() == nil
}

// copy writes the lines until there are no more, or the page has gone.
func (s *stream) copy(ctx context.Context, lines <-chan []byte) error {
	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	for {
		select {
		case line, more := <-lines:
			if !more || !s.write(line) {
				return nil
			}
		case <-ticker.C:
			if !s.write([]byte("\n")) {
				return nil
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// getEvents sends the events that are kept, and then each new one.
func (i *Inspector) getEvents(w http.ResponseWriter, r *http.Request) error {
	seq := int64(0)
	if after := r.URL.Query().Get("after"); after != "" {
		var err error
		if seq, err = strconv.ParseInt(after, 10, 64); err != nil {
			return refuse(http.StatusBadRequest, "after is not the number of an event")
		}
	}
	if i.streams.Add(1) > maxStreams {
		i.streams.Add(-1)
		return refuse(http.StatusTooManyRequests, "the page is open %d times: close one", maxStreams)
	}
	defer i.streams.Add(-1)
	stream := newStream(w)
	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	for {
		lines, last, lost, more := i.journal.after(seq)
		if lost > 0 {
			lines = append([][]byte{lostLine(last, lost)}, lines...)
		}
		seq = last
		if len(lines) > 0 {
			if !stream.write(lines...) {
				return nil
			}
			continue
		}
		if !stream.write() { // the header, at first
			return nil
		}
		select {
		case <-more:
		case <-ticker.C:
			if !stream.write([]byte("\n")) {
				return nil
			}
		case <-r.Context().Done():
			return nil
		}
	}
}

// lostLine tells how many events the journal had dropped before they were read.
func lostLine(seq, lost int64) []byte {
	line, _ := json.Marshal(map[string]any{"type": "lost", "seq": seq, "count": lost})
	return append(line, '\n')
}
