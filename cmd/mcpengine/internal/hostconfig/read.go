package hostconfig

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// An Entry is the entry of a server in a host's file, in one form for all hosts.
type Entry struct {
	Host *Host
	File string

	Program []string // the command line, or nil for a remote server
	Dir     string   // the working directory of the program, or ""
	Env     map[string]string

	URL     string // of a remote server
	Headers map[string]string
}

// rawEntry has the members of all hosts' entries.
type rawEntry struct {
	Command     json.RawMessage   `json:"command"`
	Cmd         string            `json:"cmd"`
	Args        []string          `json:"args"`
	Env         map[string]scalar `json:"env"`
	Envs        map[string]scalar `json:"envs"`
	Environment map[string]scalar `json:"environment"`
	Dir         string            `json:"cwd"`

	URL       string `json:"url"`
	ServerURL string `json:"serverUrl"`
	HTTPURL   string `json:"httpUrl"`
	URI       string `json:"uri"`

	Headers     map[string]string `json:"headers"`
	HTTPHeaders map[string]string `json:"http_headers"`
	EnvHeaders  map[string]string `json:"env_http_headers"`
	EnvToken    string            `json:"bearer_token_env_var"`
}

// A scalar is a text, or another value as a text.
type scalar string

func (s *scalar) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) != nil {
		text = string(data)
	}
	*s = scalar(text)
	return nil
}

// readEntry reads the entry of any host.
func readEntry(data []byte) (Entry, error) {
	var raw rawEntry
	if err := json.Unmarshal(data, &raw); err != nil {
		return Entry{}, errors.New("the entry is not one of a server")
	}
	e := Entry{Dir: raw.Dir, URL: raw.URL + raw.ServerURL + raw.HTTPURL + raw.URI, Headers: map[string]string{}, Env: map[string]string{}}
	for _, env := range []map[string]scalar{raw.Env, raw.Envs, raw.Environment} {
		for name, value := range env {
			e.Env[name] = string(value)
		}
	}
	maps.Copy(e.Headers, raw.Headers)
	maps.Copy(e.Headers, raw.HTTPHeaders)
	for name, variable := range raw.EnvHeaders {
		e.Headers[name] = "${env:" + variable + "}"
	}
	if raw.EnvToken != "" {
		e.Headers["Authorization"] = "Bearer ${env:" + raw.EnvToken + "}"
	}
	e.Program = raw.line()
	return e, nil
}

// line returns the command line: of a text with arguments, of a list, or of an object
// with a path, which is how Zed wrote it once.
func (raw rawEntry) line() []string {
	var list []string
	var object struct {
		Path string   `json:"path"`
		Args []string `json:"args"`
	}
	command := raw.Cmd
	switch {
	case raw.Command == nil && command == "":
		return nil
	case raw.Command == nil:
	case json.Unmarshal(raw.Command, &command) == nil:
	case json.Unmarshal(raw.Command, &list) == nil:
		return list
	case json.Unmarshal(raw.Command, &object) == nil:
		return append([]string{object.Path}, object.Args...)
	}
	return append([]string{command}, raw.Args...)
}

// Entries returns the entries of a name in the host's files. An entry that runs the
// bridge of that name is left out: it says nothing about the server. A file that
// cannot be read is an error.
func (h *Host) Entries(e Environment, name string) ([]Entry, error) {
	var all []Entry
	for _, file := range h.Files(e) {
		doc, err := h.load(e, file)
		if err != nil {
			return nil, fmt.Errorf("%s: read %s: %w", h.Name, file, err)
		}
		if doc == nil {
			continue
		}
		data, err := doc.get(h.path(doc, name)...)
		if data == nil || err != nil || isBridge(data, Server{Name: name, Known: true}) {
			continue
		}
		entry, err := readEntry(data)
		if err != nil || len(entry.Program) == 0 && entry.URL == "" {
			return nil, fmt.Errorf("%s: %q in %s is neither a command nor a URL", h.Name, name, file)
		}
		entry.Host, entry.File = h, file
		all = append(all, entry)
	}
	return all, nil
}

// Names returns the names of all entries in the host's files that can be read.
func (h *Host) Names(e Environment) []string {
	var all []string
	for _, file := range h.Files(e) {
		if doc, err := h.load(e, file); err == nil && doc != nil {
			if names, err := doc.names(h.path(doc)...); err == nil {
				all = append(all, names...)
			}
		}
	}
	return all
}

// load reads and parses a file, or returns nil without one.
func (h *Host) load(e Environment, file string) (document, error) {
	if !e.Exists(file) {
		return nil, nil //nolint:nilnil // there is nothing to read
	}
	at, err := e.place(file)
	if err != nil {
		return nil, err
	}
	defer at.root.Close()
	data, _, err := at.read()
	if err != nil {
		return nil, err
	}
	return parse(data, h.syntax)
}

// Same reports whether two entries reach the same server in the same way.
func (e Entry) Same(other Entry) bool {
	return slices.Equal(e.Program, other.Program) && e.Dir == other.Dir && e.URL == other.URL &&
		reflect.DeepEqual(e.Env, other.Env) && reflect.DeepEqual(e.Headers, other.Headers)
}

// reference is a place in an entry that the host replaces: ${NAME}, ${env:NAME},
// ${NAME:-default} or {env:NAME}. Anything else in ${} is the host's own.
var (
	reference   = regexp.MustCompile(`\$\{[^{}]*\}|\{env:[^{}]*\}`)
	withDollars = regexp.MustCompile(reference.String() + `|\$[A-Za-z_][A-Za-z0-9_]*`)
)

// Expand returns the entry with the references to variables replaced, as the host
// does it. A variable that is not set is an error, and so is a value that only the
// host has.
func (e Entry) Expand(getenv func(string) string) (Entry, error) {
	var failed error
	pattern := reference
	if e.Host.dollar {
		pattern = withDollars
	}
	text := func(s string) string {
		return pattern.ReplaceAllStringFunc(s, func(found string) string {
			value, err := resolveReference(found, getenv)
			if err != nil && failed == nil {
				failed = fmt.Errorf("the entry of %s: %w", e.Host.Name, err)
			}
			return value
		})
	}
	values := func(m map[string]string) map[string]string {
		out := make(map[string]string, len(m))
		for name, value := range m {
			out[name] = text(value)
		}
		return out
	}
	e.Program = slices.Clone(e.Program)
	for i := range e.Program {
		e.Program[i] = text(e.Program[i])
	}
	e.Dir, e.URL, e.Env, e.Headers = text(e.Dir), text(e.URL), values(e.Env), values(e.Headers)
	return e, failed
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func resolveReference(found string, getenv func(string) string) (string, error) {
	inside := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(found, "$"), "{"), "}")
	name, fallback, hasFallback := strings.Cut(strings.TrimPrefix(inside, "env:"), ":-")
	if !variableName.MatchString(name) {
		return "", withHint(fmt.Errorf("only the host can fill in %s", found), "name the URL, or the command after --")
	}
	value := getenv(name)
	switch {
	case value != "":
		return value, nil
	case hasFallback:
		return fallback, nil
	}
	return "", withHint(fmt.Errorf("the variable %s is not set here", name), "set "+name)
}
