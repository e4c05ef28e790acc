package bundle

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/archive"
	"github.com/mcpengine/mcpengine/internal/manifest"
)

// manifestVersion is the version of the format.
const manifestVersion = "0.3"

// folder is where a bundle has the program, and what goes beside it.
const folder = "server"

// A Bundle is what the bundles of a server for all platforms have in common.
type Bundle struct {
	manifest document
	files    []archive.File // besides manifest and program
}

// A Source is what bundles are made of.
type Source struct {
	// About describes the server. Name, Version, Description and Author are required; a
	// bundle has the name without the namespace of a registry.
	About *manifest.Manifest

	// Dir is the folder that the icons of About are named from.
	Dir string

	// Program is what the server says of itself.
	Program *Program

	// Files go beside the program. Their names are without folders.
	Files []archive.File
}

// New makes the bundles of a server.
func New(s Source) (*Bundle, error) {
	about, p := s.About, s.Program
	b := &Bundle{manifest: document{
		ManifestVersion: manifestVersion,
		Name:            about.Name[strings.LastIndexByte(about.Name, '/')+1:], // without the namespace of a registry
		DisplayName:     about.Title,
		Version:         strings.TrimPrefix(about.Version, "v"), // as tags of Go modules have it
		Description:     about.Description,
		Author:          about.Author,
		Homepage:        about.WebsiteURL,
		License:         about.License,
		PrivacyPolicies: about.PrivacyPolicies,
		Tools:           p.tools, ToolsGenerated: !p.Ran,
		Prompts: p.prompts, PromptsGenerated: !p.Ran || p.morePrompts,
	}}
	m := &b.manifest
	if err := m.check(); err != nil {
		return nil, err
	}
	if about.Repository != nil {
		m.Repository = &repository{"git", about.Repository.URL}
	}
	var err error
	if m.UserConfig, m.Server.MCPConfig.Env, err = p.declaration.options(); err != nil {
		return nil, err
	}
	for _, f := range s.Files {
		b.files = append(b.files, archive.File{Name: path.Join(folder, f.Name), Mode: 0o644, Data: f.Data})
	}
	return b, b.addIcons(s.Dir, about.Icons)
}

var (
	nameSyntax    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`) // a count here would be 100 copies, compiled whenever a bridge starts
	versionSyntax = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)
)

// check refuses what hosts would refuse.
func (m *document) check() error {
	const put = `write %s into ` + manifest.FileName
	switch {
	case len(m.Name) > 100 || !nameSyntax.MatchString(m.Name):
		return hint(fmt.Sprintf(put, `"name"`), "the name %.64q is not 1 to 100 letters, digits, dots, - and _", m.Name)
	case len(m.Version) > 100 || !versionSyntax.MatchString(m.Version):
		return hint(fmt.Sprintf(put, `"version"`)+", such as 1.2.0", "the version %.64q is not one of semantic versioning", m.Version)
	case m.Author == nil || m.Author.Name == "":
		return hint(fmt.Sprintf(put, `"author": {"name": …}`), "the bundle needs an author, whom hosts show to their users")
	}
	return nil
}

// FileName returns the name of the bundle's file for a platform.
func (b *Bundle) FileName(p Platform) string {
	return b.manifest.Name + "-" + b.manifest.Version + "-" + p.Name + ".mcpb"
}

// Pack builds the program for a platform and returns its bundle. The same program and
// files give the same bytes.
func (b *Bundle) Pack(ctx context.Context, p Platform, build Builder) ([]byte, error) {
	program, err := p.program(ctx, build)
	if err != nil {
		return nil, err
	}
	m := b.manifest
	m.Compatibility.Platforms = []string{p.node}
	m.Server.Type = "binary"
	m.Server.EntryPoint = path.Join(folder, p.fileName(m.Name))
	m.Server.MCPConfig.Command = "${__dirname}/" + m.Server.EntryPoint
	m.Server.MCPConfig.Args = []string{}
	text, err := manifest.Encode(m)
	if err != nil {
		return nil, err
	}
	entries := []archive.File{
		{Name: "manifest.json", Mode: 0o644, Data: text},
		{Name: m.Server.EntryPoint, Mode: 0o755, Data: program},
	}
	for _, f := range b.files {
		if f.Name == m.Server.EntryPoint {
			return nil, fmt.Errorf("include %s: the program has this name", f.Name)
		}
		entries = append(entries, f)
	}
	return archive.Zip(entries...)
}
