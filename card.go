package mcpengine

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/internal/lambda"
	"github.com/mcpengine/mcpengine/internal/manifest"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/internal/weburl"
	"github.com/mcpengine/mcpengine/mcp"
)

// WithCard serves a server card (SEP-2127), from which clients and registries learn
// who the server is and where it answers, before they connect. The text is that of
// mcpengine.json, which docs/publish.md describes:
//
//	//go:embed mcpengine.json
//	var card []byte
//
// The card is served at the path of the MCP endpoint with /server-card behind it, at
// the older /.well-known/mcp/server-card.json, and through a catalog at
// /.well-known/ai-catalog.json: to everybody, without a token, and to every web page.
// It never lists tools, resources or prompts. Mount the engine at these paths as well
// when you mount it yourself.
//
// The card names the remotes of the file. When it has none, the card names
// [HTTPConfig.PublicURL], or on AWS Lambda the Function URL, or for a caller on this
// machine the address it has called, and otherwise no remote: a Host field is not
// believed.
//
// A name that the file leaves out follows from the path of the main package; the
// version, title, description, icons and web site follow from [WithImplementation],
// and the other way round. When the text is not valid, or a name or description is
// missing, Run returns an error and requests get status 500.
func WithCard(text []byte) Option {
	return engineOption(func(e *Engine) {
		m, err := manifest.Parse(text)
		if err != nil {
			e.fault = errors.Join(e.fault, fmt.Errorf("WithCard: %w", err))
			return
		}
		e.implement = func() { implement(&e.info, m) }
		e.given = append(e.given, func() { e.serveCard(m) })
	})
}

// implement completes what the server says of itself from the card.
func implement(info *mcp.Implementation, m *manifest.Manifest) {
	info.Version = cmp.Or(info.Version, m.Version)
	info.Title = cmp.Or(info.Title, m.Title)
	info.Description = cmp.Or(info.Description, m.Description)
	info.WebsiteURL = cmp.Or(info.WebsiteURL, m.WebsiteURL)
	if len(info.Icons) > 0 {
		return
	}
	for _, icon := range m.PublicIcons() {
		info.Icons = append(info.Icons, mcp.Icon{Src: icon.Src, MIMEType: icon.MIMEType, Sizes: icon.Sizes, Theme: mcp.IconTheme(icon.Theme)})
	}
}

// serveCard makes the card. It completes the manifest from what the server says of
// itself, with which the card must agree ("Consistency with Runtime Behavior").
func (e *Engine) serveCard(m *manifest.Manifest) {
	m.Version = e.info.Version
	m.Title = cmp.Or(m.Title, e.info.Title)
	m.Description = cmp.Or(m.Description, e.info.Description)
	m.WebsiteURL = cmp.Or(m.WebsiteURL, e.info.WebsiteURL)
	if info, ok := debug.ReadBuildInfo(); ok {
		m.Name = cmp.Or(m.Name, manifest.NameOf(info.Main.Path, info.Path))
		m.Repository = cmp.Or(m.Repository, manifest.RepositoryOf(info.Main.Path, info.Path))
	}
	if m.Repository != nil {
		m.Repository.Source = m.Repository.Host()
	}
	err := m.Check()
	if err == nil && len([]rune(m.Description)) > maxCardDescription {
		err = fmt.Errorf("the description of WithImplementation has more than %d characters: write \"description\" into %s", maxCardDescription, manifest.FileName)
	}
	if err == nil {
		_, err = m.Card(nil)
	}
	if err != nil {
		e.fault = errors.Join(e.fault, fmt.Errorf("WithCard: %w", err))
		return
	}
	paths := cardPathsOf(e.httpConfig.Path, e.httpConfig.PublicURL)
	e.card, e.cardPaths = &cardServer{e, m}, append(paths, oldCardPath, catalogPath)
}

// maxCardDescription bounds a description, in characters.
const maxCardDescription = 100

// The paths of discovery, beside the one below the MCP endpoint.
const (
	catalogPath = "/.well-known/ai-catalog.json"
	oldCardPath = "/.well-known/mcp/server-card.json"
)

// cardPathsOf returns the paths below the MCP endpoint: as the server sees it, and as
// clients do, because not every proxy takes a prefix away.
func cardPathsOf(path, public string) []string {
	paths := []string{cardURL(path)}
	// A path that has to be escaped would not be a pattern of net/http.ServeMux.
	if u, err := url.Parse(public); err == nil && public != "" && u.Path == u.EscapedPath() {
		paths = append(paths, cardURL(u.Path))
	}
	return slices.Compact(paths)
}

// cardURL returns the place of the card of an endpoint (discovery.md, "Hosted Server
// Card Location").
func cardURL(endpoint string) string { return strings.TrimSuffix(endpoint, "/") + "/server-card" }

// A cardServer serves the card of an engine and the catalog with it.
type cardServer struct {
	engine *Engine
	m      *manifest.Manifest
}

func (s *cardServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	const methods = "GET, HEAD, OPTIONS"
	h := w.Header()
	// Every answer has the fields, as discovery.md, "CORS Requirements", wants it.
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", methods)
	h.Set("Access-Control-Allow-Headers", "Accept, Content-Type, If-None-Match")
	h.Set("Access-Control-Expose-Headers", "ETag")
	switch r.Method {
	case http.MethodOptions:
		h.Set("Access-Control-Max-Age", "86400")
		h.Set("Allow", methods)
		w.WriteHeader(http.StatusNoContent)
		return
	case http.MethodGet, http.MethodHead:
	default:
		h.Set("Allow", methods)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	body, mediaType, err := s.document(r)
	if err != nil {
		http.Error(w, "the card cannot be encoded", http.StatusInternalServerError)
		return
	}
	sum := sha256.Sum256(body)
	h.Set("Cache-Control", "public, max-age=3600")
	h.Set("Content-Type", mediaType)
	h.Set("ETag", `"`+base64.RawURLEncoding.EncodeToString(sum[:])+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body)) // knows If-None-Match
}

// document returns what the request asks for.
func (s *cardServer) document(r *http.Request) (body []byte, mediaType string, err error) {
	endpoint := s.endpoint(r)
	card, err := s.m.Card(s.remotes(endpoint))
	switch {
	case err != nil:
		return nil, "", err
	case r.URL.Path != catalogPath:
		body, err = card.Encode()
		return body, manifest.CardType, err
	case endpoint != "":
		endpoint = cardURL(endpoint)
	}
	body, err = card.Catalog(endpoint)
	return body, manifest.CatalogType, err
}

// endpoint returns the URL of the MCP endpoint, or "" when it is not known. What a
// client writes into Host counts only when client and server are on one machine.
func (s *cardServer) endpoint(r *http.Request) string {
	c := &s.engine.httpConfig
	if c.PublicURL != "" {
		return c.PublicURL
	}
	endpoint := ""
	if domain := lambda.Domain(r.Context()); domain != "" {
		endpoint = "https://" + domain + c.Path
	} else if addr, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok && addr.IP.IsLoopback() {
		endpoint = "http://" + r.Host + c.Path
	}
	u, err := weburl.Parse(endpoint)
	if err != nil || u.Scheme == "http" && !weburl.IsLoopback(u.Hostname()) {
		return ""
	}
	return endpoint
}

// remotes returns the remotes of the card. The protocol versions are known of this
// server alone, which the others may be an older release of.
func (s *cardServer) remotes(endpoint string) []manifest.Remote {
	var remotes []manifest.Remote
	for _, t := range s.m.Remotes {
		remote := manifest.Remote{Transport: t}
		if t.URL == endpoint && t.Type == "streamable-http" {
			remote.SupportedProtocolVersions = supportedVersions()
		}
		remotes = append(remotes, remote)
	}
	if len(remotes) > 0 || endpoint == "" {
		return remotes
	}
	c := &s.engine.httpConfig
	remotes = []manifest.Remote{{
		Transport:                 manifest.Transport{Type: "streamable-http", URL: endpoint},
		SupportedProtocolVersions: supportedVersions(),
	}}
	if base, ok := strings.CutSuffix(endpoint, c.Path); ok && c.SSE && servesHandshake && !s.engine.serverless {
		remotes = append(remotes, manifest.Remote{
			Transport:                 manifest.Transport{Type: "sse", URL: base + "/sse"},
			SupportedProtocolVersions: protocol.Names(func(v *protocol.Version) bool { return v.Handshake }),
		})
	}
	return remotes
}
