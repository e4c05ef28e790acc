package bridge

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"

	"github.com/mcpengine/mcpengine/internal/private"
)

const (
	// maxLog is how large the file of the log gets before it begins anew. The one
	// before is kept.
	maxLog = 1 << 20

	// minSecret is the length from which on a secret is hidden. Shorter ones
	// would hide half of the log.
	minSecret = 6

	maxSecrets = 64
)

// credentials matches text that looks like a credential.
var credentials = regexp.MustCompile(`(?i)\b(bearer|basic|dpop)\s+[A-Za-z0-9._~+/=-]{6,}|\b(access_token|refresh_token|client_secret|code|id_token)=[^&\s"]+`)

// A Log gets the messages of the bridge and writes them to standard error, which hosts
// show or drop, and a file. Secrets are hidden in both.
type Log struct {
	logger *slog.Logger

	mu      sync.Mutex
	out     io.Writer
	file    *os.File // nil if it could not be opened
	secrets [][]byte
}

// NewLog returns a log that writes to out, and to the file with that name from
// the level debug on, if the file can be opened. Out gets messages that are at
// least as severe as level.
func NewLog(out io.Writer, level slog.Level, name string) *Log {
	l := &Log{out: out}
	handlers := []slog.Handler{slog.NewTextHandler(writer{l, false}, &slog.HandlerOptions{Level: level})}
	if name != "" {
		var err error
		if l.file, err = openLog(name); err == nil {
			handlers = append(handlers, slog.NewTextHandler(writer{l, true}, &slog.HandlerOptions{Level: slog.LevelDebug}))
		}
		l.logger = slog.New(slog.NewMultiHandler(handlers...))
		if err != nil {
			l.logger.Debug("no file for the log", "error", err)
		}
		return l
	}
	l.logger = slog.New(handlers[0])
	return l
}

// openLog opens the file, for its user alone.
func openLog(name string) (*os.File, error) {
	if info, err := os.Lstat(name); err == nil && info.Size() > maxLog {
		_ = os.Rename(name, name+".old") // or else it goes on growing
	}
	f, err := private.Append(filepath.Dir(name), filepath.Base(name))
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	return f, nil
}

// Logger returns the logger.
func (l *Log) Logger() *slog.Logger { return l.logger }

// Hide hides a secret in all messages that follow.
func (l *Log) Hide(secret string) {
	if len(secret) < minSecret {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	known := slices.ContainsFunc(l.secrets, func(s []byte) bool { return string(s) == secret })
	if known {
		return
	}
	if len(l.secrets) == maxSecrets {
		l.secrets = l.secrets[1:] // the oldest is likely replaced
	}
	l.secrets = append(l.secrets, []byte(secret))
}

// Close closes the file.
func (l *Log) Close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}

// A writer is one of the two ends of a log.
type writer struct {
	log  *Log
	file bool
}

func (w writer) Write(line []byte) (int, error) {
	w.log.mu.Lock()
	defer w.log.mu.Unlock()
	out := w.log.out
	if w.file {
		out = w.log.file
	}
	if _, err := out.Write(w.log.redact(line)); err != nil {
		return 0, fmt.Errorf("write the log: %w", err)
	}
	return len(line), nil
}

const redacted = "[hidden]"

// Redact hides what looks like a credential in a text.
func Redact(text string) string { return credentials.ReplaceAllString(text, redacted) }

func (l *Log) redact(line []byte) []byte {
	for _, secret := range l.secrets {
		line = bytes.ReplaceAll(line, secret, []byte(redacted))
	}
	return credentials.ReplaceAll(line, []byte(redacted))
}
