package hostconfig

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"
)

// A Server is the server of an entry in a host's file.
type Server struct {
	// Name is the name of the entry, and of the profile. Required.
	Name string
	// Command is the absolute path of this program. Required unless Native or
	// Program is set.
	Command string
	// Args are the arguments that the program gets. The default runs the bridge
	// of the server's profile.
	Args []string
	// Program is the command line of a local server, which the host runs instead of
	// the bridge. Optional.
	Program []string
	// Env is what the program needs in its environment. What the user has added
	// there stays. Optional.
	Env map[string]string

	// Native asks for the host's own kind of remote entry instead of a command.
	Native bool
	// URL, Mode (auto, http or sse), ClientID and Scopes come from the
	// profile. An entry holds no secret.
	URL      string
	Mode     string
	ClientID string
	Scopes   []string

	// Known says that a profile of that name exists.
	Known bool
	// Own is the mark of the entry that was made before, as [Server.Mark] returned
	// it, or "". An entry with another mark is not ours.
	Own string
}

// Mark returns the URL or the command line by which an entry of this server is known
// again. It is "" for an entry that runs the bridge, which needs no mark.
func (s Server) Mark() string {
	switch {
	case s.Native:
		return s.URL
	case s.Program != nil:
		return markOf(s.Program)
	}
	return ""
}

func markOf(program []string) string {
	mark, err := json.Marshal(program)
	if err != nil {
		return ""
	}
	return string(mark)
}

// A member is a member of an entry. They are written in order.
type member struct {
	name  string
	value any
}

// A program is the command of an entry.
type program struct {
	name string // of the entry
	line []string
	env  map[string]string
}

// args returns the arguments of this program in an entry.
func (s Server) args() []string {
	if s.Args != nil {
		return s.Args
	}
	return []string{"bridge", s.Name}
}

// members returns the members of the server's entry.
func (h *Host) members(s Server) ([]member, error) {
	if s.Native {
		if !h.HasNative() {
			return nil, withHint(fmt.Errorf("%s has no entry for remote servers", h.Name), "leave out --via native")
		}
		return h.remote(s)
	}
	p := program{s.Name, s.Program, s.Env}
	if p.line == nil {
		p.line = append([]string{s.Command}, s.args()...)
	}
	if h.local != nil {
		return h.local(p), nil
	}
	return usualProgram(p), nil
}

// Entry returns the server's entry as JSON, without its name.
func (h *Host) Entry(s Server) ([]byte, error) {
	entry, err := h.members(s)
	if err != nil {
		return nil, err
	}
	return encode(entry)
}

func encode(entry []member) ([]byte, error) {
	out := []byte("{")
	for i, m := range entry {
		value, err := encodeValue(m.value)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", m.name, err)
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, quote(m.name)...), ':'), value...)
	}
	return append(out, '}'), nil
}

func encodeValue(v any) ([]byte, error) {
	if entry, ok := v.([]member); ok {
		return encode(entry)
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false) // & is usual in a URL, and read by people
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(out.Bytes()), nil
}

// owns reports whether this program has made an entry.
func owns(entry []byte, s Server) bool {
	if isBridge(entry, s) {
		return true
	}
	found, err := readEntry(entry)
	if err == nil && isDev(found.Program) && s.Args == nil {
		return true // a run of mcpengine dev that was killed has left it
	}
	if err != nil || s.Own == "" {
		return false
	}
	return found.URL == s.Own || found.Program != nil && markOf(found.Program) == s.Own
}

// isDev reports whether a command line attaches a host to mcpengine dev.
func isDev(line []string) bool {
	return len(line) == 4 && isProgram(line[0]) && line[1] == "dev" && line[2] == "--attach"
}

// isProgram reports whether a path has the name of this program.
func isProgram(file string) bool {
	return strings.TrimSuffix(path.Base(strings.ReplaceAll(file, `\`, "/")), ".exe") == "mcpengine"
}

// isBridge reports whether an entry runs this program for the server. The program
// may have been somewhere else, and under another name, when the entry was made:
// where the server is known, the entry is told by its arguments.
func isBridge(entry []byte, s Server) bool {
	found, err := readEntry(entry)
	if err != nil || len(found.Program) == 0 || found.Program[0] == "" || !slices.Equal(found.Program[1:], s.args()) {
		return false
	}
	return s.Known || found.Program[0] == s.Command || isProgram(found.Program[0])
}

// sameJSON reports whether two values mean the same.
func sameJSON(a, b []byte) bool {
	x, errX := decodeJSON(a)
	y, errY := decodeJSON(b)
	return errX == nil && errY == nil && reflect.DeepEqual(x, y)
}
