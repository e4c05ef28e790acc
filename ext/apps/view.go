package apps

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"unicode/utf8"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/ext/apps/internal/page"
	"github.com/mcpengine/mcpengine/mcp"
)

// A View is an HTML document that a host shows beside the result of a tool, in a
// frame of its own. It never changes, and may be served by several engines.
type View struct {
	name, html, uri string
	config          ViewConfig
	options         []mcpengine.ResourceOption
}

// A ViewConfig says what a view is and what it needs of the browser. The zero
// value is the safe one: the view loads nothing and may use nothing.
type ViewConfig struct {
	// Description says what the view shows, for people who review it.
	Description string

	// CSP lists the origins that the view may load from and connect to.
	CSP CSP

	// Permissions are the abilities of the browser that the view asks for.
	Permissions Permissions

	// PrefersBorder asks the host for a border and a background, or for none.
	// Without it the host decides.
	PrefersBorder *bool

	// Domain returns the origin that the view should have, for APIs that know
	// their callers by it. Each host has a format of its own, so the function
	// looks at the client: see mcpengine.RequestFrom. With "" the host decides,
	// as it does without the function.
	Domain func(ctx context.Context) string
}

// Permissions are abilities of the browser. A host may refuse them, so that a
// view looks for each before it uses it.
type Permissions struct {
	Camera, Microphone, Geolocation, ClipboardWrite bool
}

// MaxSize bounds a view with all that is inlined in it, in bytes.
const MaxSize = page.MaxSize

// NewView makes a view of the HTML file of fsys, which is usually an [embed.FS].
//
// The scripts, style sheets, images, fonts and media that the file loads from
// fsys become part of the document, because a view has no address that they
// could be loaded from. What the document loads from elsewhere must be covered
// by the CSP. The error names the file and line of everything that cannot be
// inlined, and of HTML whose meaning browsers would have to guess.
//
// The name has 1 to 64 of the characters a-z, 0-9 and "-". The options are
// options of a resource: a title, icons, or a policy.
func NewView(name string, fsys fs.FS, file string, config ViewConfig, opts ...mcpengine.ResourceOption) (*View, error) {
	v, err := newView(name, fsys, file, config)
	if err != nil {
		return nil, fmt.Errorf("view %.64q: %w", name, err)
	}
	v.options = append(v.options, opts...)
	return v, nil
}

// Must returns the view, and panics if there is an error: it wraps [NewView] in
// the initialization of variables.
func Must(v *View, err error) *View {
	if err != nil {
		panic("apps: " + err.Error())
	}
	return v
}

func newView(name string, fsys fs.FS, file string, config ViewConfig) (*View, error) {
	switch {
	case name == "" || len(name) > 64 || strings.ContainsFunc(name, notInName):
		return nil, errors.New(`a name has 1 to 64 of the characters a-z, 0-9 and "-"`)
	case fsys == nil:
		return nil, errors.New("there is no file system to read the document from")
	case !utf8.ValidString(config.Description):
		return nil, errors.New("the description is not UTF-8")
	}
	config.CSP = config.CSP.clone()
	if config.PrefersBorder != nil {
		config.PrefersBorder = new(*config.PrefersBorder)
	}
	if err := config.CSP.check(); err != nil {
		return nil, err
	}
	html, err := page.Inline(fsys, file, config.CSP.allows)
	if err != nil {
		return nil, err
	}
	v := &View{name: name, html: html, config: config}
	if v.uri, err = v.address(); err != nil {
		return nil, err
	}
	return v, nil
}

func notInName(r rune) bool { return !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-') }

// address returns the URI. Hosts keep a view by its URI, so that anything that
// changes the view changes the URI.
func (v *View) address() (string, error) {
	meta, err := json.Marshal(v.uiMeta(""))
	if err != nil {
		return "", err
	}
	h := sha256.New()
	h.Write(meta)
	h.Write([]byte(v.html))
	return "ui://" + v.name + "/" + hex.EncodeToString(h.Sum(nil)[:8]), nil
}

// URI returns the address of the view, "ui://", its name, "/" and a digest of
// what the view is.
func (v *View) URI() string { return v.uri }

// HTML returns the document.
func (v *View) HTML() string { return v.html }

// resourceMeta is the "ui" member of the "_meta" of a view (MCP Apps, "UI
// Resource Format").
type resourceMeta struct {
	CSP           *CSP                `json:"csp,omitempty"`
	Permissions   map[string]struct{} `json:"permissions,omitempty"`
	Domain        string              `json:"domain,omitempty"`
	PrefersBorder *bool               `json:"prefersBorder,omitempty"`
}

func (v *View) uiMeta(domain string) resourceMeta {
	m := resourceMeta{Permissions: map[string]struct{}{}, Domain: domain, PrefersBorder: v.config.PrefersBorder}
	if !v.config.CSP.isZero() {
		m.CSP = &v.config.CSP
	}
	p := v.config.Permissions
	for name, asked := range map[string]bool{
		"camera": p.Camera, "microphone": p.Microphone, "geolocation": p.Geolocation, "clipboardWrite": p.ClipboardWrite,
	} {
		if asked {
			m.Permissions[name] = struct{}{}
		}
	}
	return m
}

// meta returns the "_meta" of a view, or nil if there is nothing to say.
func (v *View) meta(domain string) mcp.Meta {
	m := v.uiMeta(domain)
	if m.CSP == nil && len(m.Permissions) == 0 && m.Domain == "" && m.PrefersBorder == nil {
		return nil
	}
	return mcp.Meta{"ui": m}
}
