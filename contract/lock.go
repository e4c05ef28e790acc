package contract

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/mcpengine/mcpengine/internal/tokens"
)

// FileName is the conventional name of a lock file.
const FileName = "mcp.lock.json"

// version is the format of the files that this package writes, and the only one
// that it reads.
const version = 1

// maxFile bounds a lock file, in bytes.
const maxFile = 64 << 20

// A Lock is what a server offers to one caller. A nil map is a kind of feature
// that the server does not have.
//
// The version of the server is not in it, so that a release that changes nothing
// else leaves the file as it is. The same holds for the size of a resource and the
// time of its last change.
type Lock struct {
	// LockVersion is the format of the file, 1.
	LockVersion int `json:"lockVersion"`

	// Digest covers everything else: "sha256:" and the hexadecimal SHA-256 of the
	// canonical JSON (RFC 8785) of the lock without it.
	Digest string `json:"digest"`

	// ProtocolVersion is the version in which the server was asked. It decides the
	// form of the definitions, so that locks of two versions are not alike.
	ProtocolVersion string `json:"protocolVersion"`

	Server       Server             `json:"server"`
	Instructions string             `json:"instructions,omitempty"`
	Capabilities stdjson.RawMessage `json:"capabilities,omitempty"` // without extensions

	// Extensions are the settings of the extensions, by their ID.
	Extensions map[string]stdjson.RawMessage `json:"extensions,omitempty"`

	// The features: tools and prompts by their name, resources by their URI,
	// templates by their URI template.
	Tools             map[string]Entry `json:"tools,omitempty"`
	Prompts           map[string]Entry `json:"prompts,omitempty"`
	Resources         map[string]Entry `json:"resources,omitempty"`
	ResourceTemplates map[string]Entry `json:"resourceTemplates,omitempty"`
}

// A Server names a server.
type Server struct {
	Name  string `json:"name"`
	Title string `json:"title,omitempty"`
}

// An Entry is one feature.
type Entry struct {
	// Digest is [Digest] of Definition.
	Digest string `json:"digest"`

	// Definition is what the list of the server has, with members that this package
	// does not know.
	Definition stdjson.RawMessage `json:"definition"`

	// Access says who may use the feature, as [mcpengine.PolicyEntry] does. It is
	// known only of programs on this machine.
	Access string `json:"access,omitempty"`

	// View is "_meta.ui" of the contents of a resource that is a view of MCP Apps:
	// its content security policy and permissions.
	View stdjson.RawMessage `json:"view,omitempty"`
}

// Digest returns "sha256:" and the hexadecimal SHA-256 of a definition in
// canonical form (RFC 8785).
func Digest(definition []byte) (string, error) {
	entry, err := NewEntry(definition)
	return entry.Digest, err
}

func digest(canonical []byte) string {
	sum := sha256.Sum256(canonical)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// canonical returns the canonical JSON (RFC 8785) of a value.
func canonical(value any) (jsontext.Value, error) {
	encoded, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	text := jsontext.Value(encoded)
	return text, text.Canonicalize()
}

// NewEntry returns the entry of a definition, which is a JSON object.
func NewEntry(definition []byte) (Entry, error) {
	text := jsontext.Value(bytes.Clone(definition))
	if err := text.Canonicalize(); err != nil || text.Kind() != '{' {
		return Entry{}, cmp.Or(err, errors.New("it is not a JSON object"))
	}
	return Entry{Digest: digest(text), Definition: stdjson.RawMessage(text)}, nil
}

// Encode returns the text of the file: the same bytes for the same features,
// indented, with the members of every object sorted. It sets LockVersion and
// Digest.
func (l *Lock) Encode() ([]byte, error) {
	if err := l.seal(); err != nil {
		return nil, err
	}
	text, err := canonical(l)
	if err != nil {
		return nil, err
	}
	if err := text.Indent(jsontext.WithIndent("  ")); err != nil {
		return nil, err
	}
	return append(text, '\n'), nil
}

// seal sets LockVersion and Digest.
func (l *Lock) seal() error {
	l.LockVersion, l.Digest = version, ""
	text, err := canonical(l)
	if err != nil {
		return err
	}
	l.Digest = digest(text)
	return nil
}

// ReadFile reads a lock file, and returns its text as well.
func ReadFile(name string) (lock *Lock, text []byte, err error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	text, err = io.ReadAll(io.LimitReader(file, maxFile+1))
	if err == nil {
		lock, err = Parse(text)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	return lock, text, nil
}

// Parse reads the text of a lock file. It is an error when a digest does not
// belong to what it covers, because somebody edited the file by hand or merged it:
// write it again.
func Parse(text []byte) (*Lock, error) {
	if len(text) > maxFile {
		return nil, fmt.Errorf("the lock file is larger than %d MiB", maxFile>>20)
	}
	l := new(Lock)
	if err := json.Unmarshal(text, l, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("the lock file is not valid: %w", err)
	}
	if l.LockVersion != version {
		return nil, fmt.Errorf("the lock file has lockVersion %d, this program reads %d", l.LockVersion, version)
	}
	for _, k := range kinds {
		for name, entry := range *k.entries(l) {
			actual, err := NewEntry(entry.Definition)
			if err != nil {
				return nil, fmt.Errorf("%s %.128q: %w", k.name, name, err)
			}
			if actual.Digest != entry.Digest {
				return nil, fmt.Errorf("%s %.128q: %w", k.name, name, errEdited)
			}
			actual.Access, actual.View = entry.Access, entry.View
			(*k.entries(l))[name] = actual
		}
	}
	given := l.Digest
	if err := l.seal(); err != nil {
		return nil, fmt.Errorf("the lock file is not valid: %w", err)
	}
	if l.Digest != given {
		return nil, errEdited
	}
	return l, nil
}

var errEdited = errors.New("the digest is not the digest of the content: the lock file was edited or merged by hand, write it again")

// A kind is a kind of feature.
type kind struct {
	name    string // in messages
	member  string // in the file
	entries func(*Lock) *map[string]Entry
}

// kinds has the kinds of features in the order in which they are reported.
var kinds = []kind{
	{"tool", "tools", func(l *Lock) *map[string]Entry { return &l.Tools }},
	{"prompt", "prompts", func(l *Lock) *map[string]Entry { return &l.Prompts }},
	{"resource", "resources", func(l *Lock) *map[string]Entry { return &l.Resources }},
	{"template", "resourceTemplates", func(l *Lock) *map[string]Entry { return &l.ResourceTemplates }},
}

// equalJSON reports whether two texts are the same JSON value.
func equalJSON(a, b []byte) bool {
	x, y := jsontext.Value(bytes.Clone(a)), jsontext.Value(bytes.Clone(b))
	return x.Canonicalize() == nil && y.Canonicalize() == nil && bytes.Equal(x, y)
}

// SetAccess records who may use the features of a kind, which is "tool",
// "prompt", "resource" or "template". Names that the lock does not have are
// ignored.
func (l *Lock) SetAccess(kind string, access map[string]string) {
	for _, k := range kinds {
		if k.name != kind {
			continue
		}
		for name, who := range access {
			if entry, ok := (*k.entries(l))[name]; ok {
				entry.Access = who
				(*k.entries(l))[name] = entry
			}
		}
	}
}

// A Feature is one feature of a lock.
type Feature struct {
	Kind string // "tool", "prompt", "resource" or "template"
	Name string
	Entry

	// Tokens is how many tokens a model reads for the definition, by estimate.
	Tokens int
}

// Features returns all features by kind, each kind sorted by name.
func (l *Lock) Features() []Feature {
	var all []Feature
	for _, k := range kinds {
		entries := *k.entries(l)
		for _, name := range union(entries, nil) {
			all = append(all, Feature{k.name, name, entries[name], tokens.Estimate(entries[name].Definition)})
		}
	}
	return all
}
