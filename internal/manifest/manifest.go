// Package manifest reads mcpengine.json, the one description of a server from which
// its server card, its entry in the registry and its bundles are made.
//
// The members have the names, and within the file the rules, of the registry's
// server.json (schema 2025-12-11), so that what the file says can be published as it
// is. The rules that server.json alone has, such as what must be present, belong to
// the command that writes it.
package manifest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"

	"github.com/mcpengine/mcpengine/internal/infer"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// FileName is the name of the file, beside the main package or at the root of its
// module.
const FileName = "mcpengine.json"

// ImageLabel is the label with which an image names the server that it holds. A registry
// lists no image without it (validators/registries/oci.go).
const ImageLabel = "io.modelcontextprotocol.server.name"

// MaxBytes bounds the file.
const MaxBytes = 64 << 10

// A Manifest describes a server. Every member is optional in the file.
type Manifest struct {
	Name            string      `json:"name,omitempty" minLength:"3" maxLength:"200"` // reverse DNS and a name: io.github.acme/weather
	Title           string      `json:"title,omitempty" minLength:"1" maxLength:"100"`
	Description     string      `json:"description,omitempty" minLength:"1" maxLength:"100"`
	Version         string      `json:"version,omitempty" minLength:"1" maxLength:"255"`
	WebsiteURL      string      `json:"websiteUrl,omitempty" minLength:"1" maxLength:"2048"` // https
	Repository      *Repository `json:"repository,omitempty"`
	Icons           []Icon      `json:"icons,omitempty" maxItems:"16"`
	License         string      `json:"license,omitempty" minLength:"1" maxLength:"100"` // an SPDX expression
	Author          *Author     `json:"author,omitempty"`
	Remotes         []Transport `json:"remotes,omitempty" maxItems:"32"`
	Packages        []Package   `json:"packages,omitempty" maxItems:"64"`
	PrivacyPolicies []string    `json:"privacyPolicies,omitempty" maxItems:"16" maxLength:"2048"` // https URLs
}

// A Repository holds the source of a server.
type Repository struct {
	URL       string `json:"url" minLength:"1" maxLength:"2048"`
	Source    string `json:"source,omitempty" enum:"github,gitlab"` // follows from the URL
	ID        string `json:"id,omitempty" minLength:"1" maxLength:"255"`
	Subfolder string `json:"subfolder,omitempty" minLength:"1" maxLength:"512"`
}

// An Icon is a picture for a server.
type Icon struct {
	// Src is an https URL, or a path relative to the file, which only bundles take.
	Src      string   `json:"src" minLength:"1" maxLength:"255"`
	MIMEType string   `json:"mimeType,omitempty" enum:"image/png,image/jpeg,image/jpg,image/svg+xml,image/webp"`
	Sizes    []string `json:"sizes,omitempty" maxItems:"16" pattern:"^([0-9]+x[0-9]+|any)$"`
	Theme    string   `json:"theme,omitempty" enum:"light,dark"`
}

// An Author made a server.
type Author struct {
	Name  string `json:"name" minLength:"1" maxLength:"255"`
	Email string `json:"email,omitempty" minLength:"3" maxLength:"255"`
	URL   string `json:"url,omitempty" minLength:"1" maxLength:"2048"`
}

// A Transport says how a client reaches a server: as a remote, over HTTP, or for a
// package also over stdio.
type Transport struct {
	Type      string           `json:"type" enum:"stdio,streamable-http,sse"`
	URL       string           `json:"url,omitempty" minLength:"1" maxLength:"2048"` // may hold {variables}
	Headers   []KeyValueInput  `json:"headers,omitempty" maxItems:"64"`
	Variables map[string]Input `json:"variables,omitempty"`
}

// A Package is a form in which a server can be installed.
type Package struct {
	RegistryType         string          `json:"registryType" enum:"npm,pypi,nuget,cargo,oci,mcpb"`
	RegistryBaseURL      string          `json:"registryBaseUrl,omitempty" minLength:"1" maxLength:"2048"`
	Identifier           string          `json:"identifier" minLength:"1" maxLength:"2048" pattern:"^[^\\s]+$"` // a name, an image, or the URL of a bundle
	Version              string          `json:"version,omitempty" minLength:"1" maxLength:"255"`
	FileSHA256           string          `json:"fileSha256,omitempty" pattern:"^[a-f0-9]{64}$"`
	RuntimeHint          string          `json:"runtimeHint,omitempty" minLength:"1" maxLength:"255"`
	Transport            Transport       `json:"transport"`
	RuntimeArguments     []Argument      `json:"runtimeArguments,omitempty" maxItems:"64"`
	PackageArguments     []Argument      `json:"packageArguments,omitempty" maxItems:"64"`
	EnvironmentVariables []KeyValueInput `json:"environmentVariables,omitempty" maxItems:"64"`
}

// An Input is a value that the user of a server gives, or that is given for it.
type Input struct {
	Description string   `json:"description,omitempty"`
	IsRequired  bool     `json:"isRequired,omitempty"`
	Format      string   `json:"format,omitempty" enum:"string,number,boolean,filepath"`
	Value       string   `json:"value,omitempty"`
	IsSecret    bool     `json:"isSecret,omitempty"`
	Default     string   `json:"default,omitempty"`
	Placeholder string   `json:"placeholder,omitempty"`
	Choices     []string `json:"choices,omitempty" maxItems:"64"`
}

// A KeyValueInput is a header field or an environment variable.
type KeyValueInput struct {
	Input
	Variables map[string]Input `json:"variables,omitempty"`
	Name      string           `json:"name" minLength:"1" maxLength:"255"`
}

// An Argument is an argument of a command line.
type Argument struct {
	Input
	Variables  map[string]Input `json:"variables,omitempty"`
	Type       string           `json:"type" enum:"positional,named"`
	Name       string           `json:"name,omitempty" minLength:"1" maxLength:"255"` // of a named one, with its dashes
	ValueHint  string           `json:"valueHint,omitempty" minLength:"1" maxLength:"255"`
	IsRepeated bool             `json:"isRepeated,omitempty"`
}

// ReadFile reads the file. The error names it, and is an [os.ErrNotExist] when it is
// not there.
func ReadFile(name string) (*Manifest, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, MaxBytes+1))
	if err != nil {
		return nil, err
	}
	m, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return m, nil
}

// Parse reads the contents of the file. It refuses more than [MaxBytes], a member that
// it does not know and a value that no consumer would take. The error gives the path
// of each fault and what is expected there.
func Parse(text []byte) (*Manifest, error) {
	if len(text) > MaxBytes {
		return nil, fmt.Errorf("the file has more than %d bytes", MaxBytes)
	}
	// Names are unique and UTF-8 is valid from here on.
	if _, err := jsonrpc.ParseObject(text); err != nil {
		return nil, fmt.Errorf("the file is not a JSON object: %w", err)
	}
	form, err := infer.Input(reflect.TypeFor[Manifest]())
	if err != nil {
		return nil, err
	}
	if err := form.Validate(context.Background(), text); err != nil {
		return nil, err
	}
	m := new(Manifest)
	if err := json.Unmarshal(text, m); err != nil {
		return nil, err
	}
	return m, m.Check()
}

// Encode returns the text of a file that says the same.
func (m *Manifest) Encode() ([]byte, error) { return Encode(m) }

// Check returns what is wrong with the values that are present, beyond their form,
// which [Parse] checks. The rules are the registry's (validators.ValidateServerJSON of
// v1.8.8), so that what is accepted here is accepted there.
func (m *Manifest) Check() error {
	c := new(checks)
	if m.Name != "" && !matches(serverName, m.Name) {
		c.fault("name", `must be a namespace and a name of two characters or more, such as io.github.acme/weather, got %q`, m.Name)
	}
	c.text("title", m.Title)
	c.text("description", m.Description)
	c.version("version", m.Version)
	c.https("websiteUrl", m.WebsiteURL)
	if r := m.Repository; r != nil {
		c.repository(r)
	}
	for i, icon := range m.Icons {
		c.icon(fmt.Sprintf("icons[%d].src", i), icon.Src)
	}
	if m.Author != nil {
		c.text("author.name", m.Author.Name)
		c.https("author.url", m.Author.URL)
	}
	for i := range m.Remotes {
		c.remote(fmt.Sprintf("remotes[%d]", i), &m.Remotes[i])
	}
	for i := range m.Packages {
		c.pack(fmt.Sprintf("packages[%d]", i), &m.Packages[i])
	}
	for i, policy := range m.PrivacyPolicies {
		c.https(fmt.Sprintf("privacyPolicies[%d]", i), policy)
	}
	return errors.Join(c.faults...)
}
