package audit

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
)

// A FileSink is a [Sink] that writes to a file, one JSON object a line. Create one
// with [File].
type FileSink struct {
	path  string
	procs int64        // how many requests can run at once
	open  atomic.Int64 // requests of trails that are under way

	mu   sync.Mutex // guards what follows
	next *batch     // to be written next

	writing sync.Mutex // guards what follows, and is held while a batch is written
	file    *os.File
	part    bool   // the last line has no end
	spare   *batch // empty, to be used again
}

// A batch is the lines that are written at once: those of requests that end while
// another batch is being written, or while another request still has to run.
type batch struct {
	text  line // begins with a line feed, which ends a line that was written in part
	lines int
	done  chan struct{} // closed when the batch is written; nil for a single line

	written int // the length of the text that is in the file
	err     error
}

// File opens a file, which is created with mode 0600, to append records to it. It
// fails when the file cannot be written, and Write when the disk is full. Send the
// process a signal and call [FileSink.Reopen] to rotate it.
//
// The operating system has a record before its request is answered, so that a process
// that is killed loses no record of an answer that was sent. What the system itself loses
// when it crashes or the power fails is not in the file: nothing waits for the disk.
// Requests that end together share one write.
func File(path string) (*FileSink, error) {
	s := &FileSink{path: path, procs: int64(runtime.GOMAXPROCS(0)), next: new(batch)}
	s.next.reset(nil)
	if err := s.Reopen(); err != nil {
		return nil, err
	}
	return s, nil
}

// Reopen opens the file anew, after it has been moved.
func (s *FileSink) Reopen() error {
	file, err := os.OpenFile(s.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the audit file: %w", err)
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.file != nil {
		err = s.file.Close()
	}
	s.file, s.part = file, false
	return err
}

// Close closes the file. Write fails from then on.
func (s *FileSink) Close() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.file.Close()
}

// Write implements [Sink]. A line that was written in part, because the disk was
// full, is ended before the next one.
func (s *FileSink) Write(_ context.Context, r Record) error { return s.write(&r) }

// write returns when the record is written. The first one that joins a batch writes
// it, and the others wait.
func (s *FileSink) write(r *Record) error {
	s.mu.Lock()
	b := s.next
	end, err := b.add(r)
	first := b.lines == 1
	s.mu.Unlock()
	switch {
	case err != nil:
		return err
	case first:
		return s.writeBatch(b, end)
	}
	<-b.done
	return b.outcome(end)
}

// writeBatch writes the batch, to which lines are added until the file is free. It
// returns the outcome of the line that ends at end.
func (s *FileSink) writeBatch(b *batch, end int) error {
	if s.open.Load() > s.procs {
		// A request that can run now may end soon. Without this, requests on one
		// processor would never share a write.
		runtime.Gosched()
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	s.next, s.spare = s.spare, nil
	if s.next == nil {
		s.next = new(batch)
		s.next.reset(nil)
	}
	s.mu.Unlock()
	b.write(s.file, &s.part)
	if b.done == nil {
		err := b.outcome(end)
		b.reset(b.text)
		s.spare = b
		return err
	}
	s.spare = new(batch)
	s.spare.reset(b.text)
	close(b.done)
	return b.outcome(end)
}

// reset empties the batch. Text is memory for its lines.
func (b *batch) reset(text line) {
	if cap(text) > maxKept {
		text = nil
	}
	*b = batch{text: append(text[:0], '\n')}
}

// add adds the line of a record, and returns where it ends.
func (b *batch) add(r *Record) (end int, err error) {
	begin := len(b.text)
	if err := r.appendTo(&b.text); err != nil {
		b.text = b.text[:begin]
		return 0, err
	}
	b.text = append(b.text, '\n')
	if b.lines++; b.lines == 2 {
		b.done = make(chan struct{})
	}
	return len(b.text), nil
}

// write writes the batch to a file. Part says whether the last line of the file lacks
// its end.
func (b *batch) write(file io.Writer, part *bool) {
	from := 1
	if *part {
		from = 0
	}
	n, err := file.Write(b.text[from:])
	if n > 0 {
		*part = b.text[from+n-1] != '\n'
	}
	b.written = from + n
	if err != nil {
		b.err = fmt.Errorf("write an audit record: %w", err)
	}
}

// outcome returns nil when the line that ends at end is in the file.
func (b *batch) outcome(end int) error {
	if end <= b.written {
		return nil
	}
	return b.err
}
