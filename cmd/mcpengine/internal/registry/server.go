// Package registry writes server.json, checks it as a registry of MCP servers does,
// and publishes it.
package registry

import (
	"cmp"
	"slices"

	"github.com/mcpengine/mcpengine/internal/manifest"
)

// Official is the registry of the protocol's own project.
const Official = "https://registry.modelcontextprotocol.io"

// schema identifies the form of server.json.
const schema = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"

// A Server is the contents of server.json.
type Server struct {
	Schema      string               `json:"$schema"`
	Name        string               `json:"name"`
	Title       string               `json:"title,omitempty"`
	Description string               `json:"description"`
	Version     string               `json:"version"`
	WebsiteURL  string               `json:"websiteUrl,omitempty"`
	Repository  *manifest.Repository `json:"repository,omitempty"`
	Icons       []manifest.Icon      `json:"icons,omitempty"`
	Packages    []manifest.Package   `json:"packages,omitempty"`
	Remotes     []manifest.Transport `json:"remotes,omitempty"`
}

// New returns the entry of a server in the registry. What a registry does not take,
// such as the license, is left out.
func New(m *manifest.Manifest) *Server {
	return &Server{
		Schema: schema, Name: m.Name, Title: m.Title, Description: m.Description, Version: m.Version,
		WebsiteURL: m.WebsiteURL, Repository: m.Repository, Icons: m.PublicIcons(),
		Packages: sorted(m.Packages), Remotes: m.Remotes,
	}
}

// sorted puts packages into an order that does not depend on that of files.
func sorted(packages []manifest.Package) []manifest.Package {
	packages = slices.Clone(packages)
	slices.SortStableFunc(packages, func(a, b manifest.Package) int {
		return cmp.Or(cmp.Compare(a.RegistryType, b.RegistryType), cmp.Compare(a.Identifier, b.Identifier))
	})
	return packages
}

// Encode returns the text of the file.
func (s *Server) Encode() ([]byte, error) { return manifest.Encode(s) }
