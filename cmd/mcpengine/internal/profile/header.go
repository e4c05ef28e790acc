package profile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/internal/httptoken"
)

// A Header is an HTTP header field and the source of its value. Exactly one source
// is set.
type Header struct {
	// Name is the name of the field. Fields of the protocol itself are refused.
	Name string `json:"name"`
	// Value is the value itself.
	Value string `json:"value,omitempty"`
	// File is the absolute name of the file that has it.
	File string `json:"file,omitempty"`
	// Env is the environment variable that has it.
	Env string `json:"env,omitempty"`
	// Command prints it: a program and its arguments, not read by a shell.
	Command []string `json:"command,omitempty"`
}

// commandTime is how long a command may take to print a header.
const commandTime = 30 * time.Second

// ParseHeader reads NAME=VALUE, where VALUE may be env:VARIABLE, file:NAME,
// command:PROGRAM ARGUMENT… or literal:VALUE.
func ParseHeader(s string) (Header, error) {
	name, value, found := strings.Cut(s, "=")
	if !found {
		// The text may be the secret, so it is not repeated.
		return Header{}, errors.New("a header is NAME=VALUE")
	}
	h := Header{Name: name}
	kind, rest, _ := strings.Cut(value, ":")
	switch kind {
	case "env":
		h.Env = rest
	case "file":
		h.File = rest
	case "command":
		h.Command = strings.Fields(rest)
	case "literal":
		h.Value = rest
	default:
		h.Value = value
	}
	return h, h.check()
}

// ours are the fields that the transport sets.
var ours = []string{
	"accept", "connection", "content-length", "content-type", "host", "last-event-id", "mcp-method", "mcp-name",
	"mcp-protocol-version", "mcp-session-id", "te", "trailer", "transfer-encoding", "upgrade",
}

// BelongsToProtocol reports whether the transport sets a field of that name.
func BelongsToProtocol(name string) bool {
	lower := strings.ToLower(name)
	return slices.Contains(ours, lower) || strings.HasPrefix(lower, "mcp-param-")
}

func (h Header) check() error {
	if !httptoken.Is(h.Name) || len(h.Name) > 256 {
		return fmt.Errorf("%q is not the name of a header", h.Name)
	}
	if BelongsToProtocol(h.Name) {
		return fmt.Errorf("header %s belongs to the protocol", h.Name)
	}
	n := 0
	for _, set := range []bool{h.Value != "", h.File != "", h.Env != "", len(h.Command) > 0} {
		if set {
			n++
		}
	}
	if n != 1 {
		return fmt.Errorf("header %s needs exactly one of value, file, env and command", h.Name)
	}
	return checkValue(h.Name, h.Value)
}

// checkValue refuses characters that would end the field early. The value, which is
// often a secret, is not in the error.
func checkValue(name, value string) error {
	if len(value) > maxText {
		return fmt.Errorf("header %s has more than %d bytes", name, maxText)
	}
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		return fmt.Errorf("header %s has a control character", name)
	}
	return nil
}

// Resolve returns the value to send, without white space around it. It reads the
// source each time, because tokens in files and from commands change.
func (h Header) Resolve(ctx context.Context, getenv func(string) string) (string, error) {
	value := h.Value
	var err error
	switch {
	case h.File != "":
		value, err = readText(h.File)
	case h.Env != "":
		value = getenv(h.Env)
	case len(h.Command) > 0:
		value, err = output(ctx, h.Command)
	}
	if err != nil {
		return "", fmt.Errorf("header %s: %w", h.Name, err)
	}
	if value = strings.TrimSpace(value); value == "" {
		return "", fmt.Errorf("header %s: its value is empty", h.Name)
	}
	return value, checkValue(h.Name, value)
}

// readText reads a small file.
func readText(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxText+1))
	if err == nil && len(data) > maxText {
		err = fmt.Errorf("%s has more than %d KiB", name, maxText>>10)
	}
	return string(data), err
}

// output returns the standard output of a command. Errors repeat neither its
// standard error nor its arguments, because both may hold a secret.
func output(ctx context.Context, command []string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	var out limitedBuffer
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdout = &out
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("run %s: %w", command[0], err)
	}
	return out.buffer.String(), nil
}

// A limitedBuffer refuses what does not fit. The buffer is a field because its
// ReadFrom would get around Write.
type limitedBuffer struct{ buffer bytes.Buffer }

func (b *limitedBuffer) Write(p []byte) (int, error) {
	if b.buffer.Len()+len(p) > maxText {
		return 0, fmt.Errorf("more than %d KiB of output", maxText>>10)
	}
	return b.buffer.Write(p)
}
