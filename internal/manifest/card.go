package manifest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The media types of the documents that clients discover a server with.
const (
	CardType    = "application/mcp-server-card+json"
	CatalogType = "application/ai-catalog+json"
)

// cardSchema identifies the form of a card (SEP-2127, schema.ts, "ServerCard").
const cardSchema = "https://static.modelcontextprotocol.io/schemas/v1/server-card.schema.json"

// A Card is a server card (SEP-2127), which says where a server is and never what it
// offers.
type Card struct {
	Schema      string      `json:"$schema"`
	Name        string      `json:"name"`
	Version     string      `json:"version"`
	Description string      `json:"description"`
	Title       string      `json:"title,omitempty"`
	WebsiteURL  string      `json:"websiteUrl,omitempty"`
	Repository  *Repository `json:"repository,omitempty"`
	Icons       []Icon      `json:"icons,omitempty"`
	Remotes     []Remote    `json:"remotes,omitempty"`
}

// A Remote is an endpoint of a card.
type Remote struct {
	Transport
	SupportedProtocolVersions []string `json:"supportedProtocolVersions,omitempty"`
}

// Card returns the card of a server. It fails when the name, the version or the
// description is missing.
func (m *Manifest) Card(remotes []Remote) (*Card, error) {
	var missing []error
	for _, member := range []struct{ name, value string }{
		{"name", m.Name}, {"version", m.Version}, {"description", m.Description},
	} {
		if member.value == "" {
			missing = append(missing, fmt.Errorf("a server card needs a %[1]s: write %[1]q into %[2]s", member.name, FileName))
		}
	}
	return &Card{
		Schema: cardSchema, Name: m.Name, Version: m.Version, Description: m.Description, Title: m.Title,
		WebsiteURL: m.WebsiteURL, Repository: m.Repository, Icons: m.PublicIcons(), Remotes: remotes,
	}, errors.Join(missing...)
}

// PublicIcons returns the icons that are at a URL.
func (m *Manifest) PublicIcons() []Icon {
	return slices.DeleteFunc(slices.Clone(m.Icons), func(icon Icon) bool { return !strings.Contains(icon.Src, ":") })
}

// Encode returns the text of the card.
func (c *Card) Encode() ([]byte, error) { return Encode(c) }

// Catalog returns the text of an AI Catalog with this card alone: as a URL, or, when
// that is "", inside. The entry has the members of both of its specifications, which
// are drafts: type of SEP-2127 (discovery.md, "Server Card Entries"), and displayName
// and mediaType of the AI Catalog (ai-catalog.md, "Catalog Entry").
func (c *Card) Catalog(url string) ([]byte, error) {
	type entry struct {
		Identifier  string `json:"identifier"`
		DisplayName string `json:"displayName"`
		Type        string `json:"type"`
		MediaType   string `json:"mediaType"`
		URL         string `json:"url,omitempty"`
		Data        *Card  `json:"data,omitempty"`
	}
	e := entry{Identifier: c.identifier(), DisplayName: cmp.Or(c.Title, c.Name), Type: CardType, MediaType: CardType, URL: url}
	if url == "" {
		e.Data = c
	}
	return Encode(struct {
		SpecVersion string  `json:"specVersion"`
		Entries     []entry `json:"entries"`
	}{"1.0", []entry{e}})
}

// identifier returns the name in the domain-anchored form of catalogs: the namespace
// is a domain again (discovery.md, "Server Card Entries").
func (c *Card) identifier() string {
	namespace, name, _ := strings.Cut(c.Name, "/")
	labels := strings.Split(namespace, ".")
	slices.Reverse(labels)
	return "urn:air:" + strings.Join(labels, ".") + ":mcp:" + name
}

// Encode returns a document that people read and diff: indented, and with & as it is.
func Encode(v any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(v)
	return out.Bytes(), err
}
