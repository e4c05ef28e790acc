package hostconfig

import (
	"bytes"
	"encoding/json"
	"errors"
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
	// Command is the absolute path of this program. Required unless Native.
	Command string
	// Args are the arguments that the program gets. The default runs the bridge
	// of the server's profile.
	Args []string
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
	// OwnURL is the URL of the native entry that was made before, or "". An
	// entry with another one is not ours.
	OwnURL string
}

// A member is a member of an entry. They are written in order.
type member struct {
	name  string
	value any
}

// members returns the members of the server's entry.
func (h *Host) members(s Server) ([]member, error) {
	if s.Native {
		if !h.HasNative() {
			return nil, withHint(fmt.Errorf("%s has no entry for remote servers", h.Name), "leave out --via native")
		}
		return h.remote(s)
	}
	var entry []member
	if h.kind != "" {
		entry = append(entry, member{"type", h.kind})
	}
	entry = append(entry, member{"command", s.Command}, member{"args", s.args()})
	if len(s.Env) > 0 {
		entry = append(entry, member{"env", s.Env})
	}
	return entry, nil
}

// args returns the arguments of the program in an entry.
func (s Server) args() []string {
	if s.Args != nil {
		return s.Args
	}
	return []string{"bridge", s.Name}
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
	return isBridge(entry, s) || s.OwnURL != "" && nativeURL(entry) == s.OwnURL
}

// isBridge reports whether an entry runs this program for the server. The program
// may have been somewhere else, and under another name, when the entry was made:
// where the server is known, the entry is told by its arguments.
func isBridge(entry []byte, s Server) bool {
	var e struct {
		Command string   `json:"command"`
		Args    []string `json:"args"`
	}
	if json.Unmarshal(entry, &e) != nil || e.Command == "" || !slices.Equal(e.Args, s.args()) {
		return false
	}
	program := path.Base(strings.ReplaceAll(e.Command, `\`, "/"))
	return s.Known || e.Command == s.Command || strings.TrimSuffix(program, ".exe") == "mcpengine"
}

func nativeURL(entry []byte) string {
	var e struct {
		URL       string `json:"url"`
		ServerURL string `json:"serverUrl"`
	}
	if json.Unmarshal(entry, &e) != nil {
		return ""
	}
	return e.URL + e.ServerURL
}

// sameJSON reports whether two values mean the same.
func sameJSON(a, b []byte) bool {
	x, errX := decodeJSON(a)
	y, errY := decodeJSON(b)
	return errX == nil && errY == nil && reflect.DeepEqual(x, y)
}

// transport returns the name of the server's transport, where an entry says it.
func (s Server) transport() string {
	if s.Mode == "sse" {
		return "sse"
	}
	return "http"
}

// noOAuth returns an error for a server with a client id or scopes, for which the
// entries of some hosts have no member.
func noOAuth(s Server) error {
	if s.ClientID == "" && len(s.Scopes) == 0 {
		return nil
	}
	return withHint(errors.New("the host's own entry has no place for a client id or scopes"), "leave out --via native: the bridge signs in")
}

func urlEntry(s Server) ([]member, error) { return []member{{"url", s.URL}}, noOAuth(s) }

func windsurfEntry(s Server) ([]member, error) { return []member{{"serverUrl", s.URL}}, noOAuth(s) }

func clineEntry(s Server) ([]member, error) {
	kind := "streamableHttp"
	if s.Mode == "sse" {
		kind = "sse"
	}
	return []member{{"type", kind}, {"url", s.URL}}, noOAuth(s)
}

func claudeCodeEntry(s Server) ([]member, error) {
	entry := []member{{"type", s.transport()}, {"url", s.URL}}
	var oauth []member
	if s.ClientID != "" {
		oauth = append(oauth, member{"clientId", s.ClientID})
	}
	if len(s.Scopes) > 0 {
		oauth = append(oauth, member{"scopes", strings.Join(s.Scopes, " ")})
	}
	return withObject(entry, "oauth", oauth), nil
}

func cursorEntry(s Server) ([]member, error) {
	var auth []member
	if s.ClientID != "" {
		auth = append(auth, member{"CLIENT_ID", s.ClientID})
	}
	if len(s.Scopes) > 0 {
		auth = append(auth, member{"scopes", s.Scopes})
	}
	return withObject([]member{{"url", s.URL}}, "auth", auth), nil
}

func vsCodeEntry(s Server) ([]member, error) {
	entry := []member{{"type", s.transport()}, {"url", s.URL}}
	if len(s.Scopes) > 0 {
		return nil, noOAuth(Server{Scopes: s.Scopes})
	}
	if s.ClientID != "" {
		entry = append(entry, member{"oauth", []member{{"clientId", s.ClientID}}})
	}
	return entry, nil
}

func geminiEntry(s Server) ([]member, error) {
	entry := []member{{"url", s.URL}, {"type", s.transport()}}
	var oauth []member
	if s.ClientID != "" {
		oauth = append(oauth, member{"enabled", true}, member{"clientId", s.ClientID})
	}
	if len(s.Scopes) > 0 {
		oauth = append(oauth, member{"scopes", s.Scopes})
	}
	return withObject(entry, "oauth", oauth), nil
}

func withObject(entry []member, name string, object []member) []member {
	if len(object) == 0 {
		return entry
	}
	return append(entry, member{name, object})
}
