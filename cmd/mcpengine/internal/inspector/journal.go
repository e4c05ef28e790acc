package inspector

import (
	"encoding/json"
	"strconv"
	"sync"
)

// Bounds of what is kept for the page.
const (
	maxEntries = 2000
	maxBytes   = 32 << 20
	maxBatch   = 256 // lines that are read at once
)

// A journal keeps the events that the page shows, the last ones if there are many.
// A reader that is too slow misses some and is told how many; it delays nobody.
type journal struct {
	maxEntries, maxBytes int

	mu      sync.Mutex
	entries []entry
	bytes   int
	last    int64         // the number of the last entry
	more    chan struct{} // closed at the next entry
}

// An entry is an event as a line of JSON, and the message in it, if it is one.
type entry struct {
	seq     int64
	line    []byte
	message *message
}

func newJournal(entries, bytes int) *journal {
	return &journal{maxEntries: entries, maxBytes: bytes, more: make(chan struct{})}
}

// add adds an event, which encodes as an object with members.
func (j *journal) add(event any) {
	encoded, err := json.Marshal(event)
	if err != nil {
		return // no event of the package fails to encode
	}
	m, _ := event.(*message)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last++
	line := append(strconv.AppendInt([]byte(`{"seq":`), j.last, 10), ',')
	line = append(append(line, encoded[1:]...), '\n')
	j.entries = append(j.entries, entry{j.last, line, m})
	j.bytes += len(line)
	j.trim()
	close(j.more)
	j.more = make(chan struct{})
}

// trim drops the oldest entries, but never the last one.
func (j *journal) trim() {
	drop := 0
	for len(j.entries)-drop > 1 && (len(j.entries)-drop > j.maxEntries || j.bytes > j.maxBytes) {
		j.bytes -= len(j.entries[drop].line)
		j.entries[drop] = entry{} // the array may outlive it
		drop++
	}
	j.entries = j.entries[drop:]
}

// after returns the lines of the next entries, the number of the last of them, how
// many were dropped before them, and a channel that is closed when there are more.
func (j *journal) after(seq int64) (lines [][]byte, last, lost int64, more <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	seq = min(max(seq, 0), j.last)
	first := j.last - int64(len(j.entries)) + 1
	if seq+1 < first {
		lost, seq = first-seq-1, first-1
	}
	for _, e := range j.entries[seq+1-first:] {
		if len(lines) == maxBatch {
			break
		}
		lines = append(lines, e.line)
		seq = e.seq
	}
	return lines, seq, lost, j.more
}

// find returns the message of an entry, or nil.
func (j *journal) find(seq int64) *message {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := seq - (j.last - int64(len(j.entries)) + 1)
	if n < 0 || n >= int64(len(j.entries)) {
		return nil
	}
	return j.entries[n].message
}
