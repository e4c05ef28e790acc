package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
)

// Log returns a sink that logs each record at level Info, as "audit" with the
// members of the record as attributes. It never fails: whether a logger keeps what
// it is given is the logger's business.
func Log(logger *slog.Logger) Sink {
	return Func(func(ctx context.Context, r Record) error {
		logger.LogAttrs(ctx, slog.LevelInfo, "audit", r.attrs()...)
		return nil
	})
}

// attrs returns the members of the record that are not empty.
func (r *Record) attrs() []slog.Attr {
	attrs := []slog.Attr{slog.Time("time", r.Time), slog.Duration("duration", r.Duration)}
	for _, m := range []struct{ name, value string }{
		{"traceId", r.TraceID},
		{"subject", r.Subject},
		{"issuer", r.Issuer},
		{"client", r.Client},
		{"tenant", r.Tenant},
		{"address", r.Address},
		{"program", r.Program},
		{"method", r.Method},
		{"kind", r.Kind},
		{"feature", r.Feature},
		{"requested", r.Requested},
		{"policy", r.Policy},
		{"why", r.Why},
		{"rule", r.Rule},
		{"digest", r.Digest},
		{"outcome", r.Outcome},
	} {
		if m.value != "" {
			attrs = append(attrs, slog.String(m.name, m.value))
		}
	}
	attrs = append(attrs, slog.Bool("allowed", r.Allowed), slog.Int("size", r.Size))
	if r.Code != 0 {
		attrs = append(attrs, slog.Int("code", r.Code))
	}
	if r.Status != 0 {
		attrs = append(attrs, slog.Int("status", r.Status))
	}
	if r.Arguments != nil {
		attrs = append(attrs, slog.Any("arguments", r.Arguments))
	}
	if r.Values != nil {
		attrs = append(attrs, slog.Any("values", r.Values))
	}
	return attrs
}

// A FileSink is a [Sink] that writes to a file, one JSON object a line. Create one
// with [File].
type FileSink struct {
	mu   sync.Mutex
	path string
	file *os.File
	part bool // the last line has no end
	text line // of the record that is written
}

// File opens a file, which is created with mode 0600, to append records to it. It
// fails when the file cannot be written, and Write when the disk is full. Send the
// process a signal and call [FileSink.Reopen] to rotate it.
func File(path string) (*FileSink, error) {
	s := &FileSink{path: path}
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
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != nil {
		err = s.file.Close()
	}
	s.file, s.part = file, false
	return err
}

// Close closes the file. Write fails from then on.
func (s *FileSink) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.file.Close()
}

// Write implements [Sink]. A line that was written in part, because the disk was
// full, is ended before the next one.
func (s *FileSink) Write(_ context.Context, r Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text = s.text[:0]
	if s.part {
		s.text = append(s.text, '\n')
	}
	if err := r.appendTo(&s.text); err != nil {
		return err
	}
	s.text = append(s.text, '\n')
	n, err := s.file.Write(s.text)
	if err != nil {
		s.part = s.part || n > 0
		return fmt.Errorf("write an audit record: %w", err)
	}
	s.part = false
	return nil
}

// Tee returns a sink that writes to all of the sinks. It fails when one fails.
func Tee(sinks ...Sink) Sink {
	return Func(func(ctx context.Context, r Record) error {
		var errs []error
		for _, s := range sinks {
			errs = append(errs, s.Write(ctx, r))
		}
		return errors.Join(errs...)
	})
}
