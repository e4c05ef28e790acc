package inspector

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"strings"
)

// sandboxPage is the proxy between the page and the view of an app (MCP Apps,
// "Sandbox proxy").
//
//go:embed sandbox/sandbox.html
var sandboxPage string

func (i *Inspector) sandboxOrigin() string {
	if i.sandbox == nil {
		return "'none'"
	}
	return "http://" + i.sandbox.Addr().String()
}

// sandboxHandler serves the proxy page, and nothing else. It needs no token: a view
// that the server sends is all that the origin ever holds.
func (i *Inspector) sandboxHandler() http.Handler {
	page := strings.ReplaceAll(sandboxPage, "PARENT", html.EscapeString(i.origin()))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		if r.Host != i.sandbox.Addr().String() {
			writeError(w, refuse(http.StatusMisdirectedRequest, "this address shows the views of the inspector"))
			return
		}
		if r.Method != http.MethodGet || r.URL.Path != "/sandbox.html" {
			writeError(w, refuse(http.StatusNotFound, "there is nothing here but the frame of a view"))
			return
		}
		policy, err := viewPolicy(r.URL.Query().Get("csp"))
		if err != nil {
			writeError(w, refuse(http.StatusBadRequest, "the CSP of the view: %v", err))
			return
		}
		h.Set("Content-Security-Policy", policy+"; frame-ancestors "+i.origin())
		h.Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(page)) // the page has gone
	})
}

// A viewCSP is what a view may reach (MCP Apps, "_meta.ui.csp").
type viewCSP struct {
	ConnectDomains  []string `json:"connectDomains"`
	ResourceDomains []string `json:"resourceDomains"`
	FrameDomains    []string `json:"frameDomains"`
	BaseURIDomains  []string `json:"baseUriDomains"`
}

// viewPolicy returns the policy that the specification makes of the CSP of a view
// (MCP Apps, "Content Security Policy Enforcement"). Text is JSON, and "" for a view
// without one.
func viewPolicy(text string) (string, error) {
	if text == "" {
		return "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; " +
			"img-src 'self' data:; media-src 'self' data:; connect-src 'none'; frame-src 'none'; object-src 'none'; base-uri 'self'", nil
	}
	var csp viewCSP
	if err := json.Unmarshal([]byte(text), &csp); err != nil {
		return "", err
	}
	for _, list := range [][]string{csp.ConnectDomains, csp.ResourceDomains, csp.FrameDomains, csp.BaseURIDomains} {
		for _, source := range list {
			if source == "" || strings.ContainsFunc(source, notInSource) {
				return "", fmt.Errorf("%q is not an origin", source)
			}
		}
	}
	resources := sources("", csp.ResourceDomains)
	return "default-src 'none'" +
		"; script-src 'self' 'unsafe-inline'" + resources +
		"; style-src 'self' 'unsafe-inline'" + resources +
		"; img-src 'self' data:" + resources +
		"; font-src 'self'" + resources +
		"; media-src 'self' data:" + resources +
		"; connect-src 'self'" + sources("", csp.ConnectDomains) +
		"; frame-src" + sources(" 'none'", csp.FrameDomains) +
		"; object-src 'none'; base-uri" + sources(" 'self'", csp.BaseURIDomains), nil
}

func sources(none string, domains []string) string {
	if len(domains) == 0 {
		return none
	}
	return " " + strings.Join(domains, " ")
}

// notInSource are the characters that no origin has. Some of them would end a
// directive of the policy.
func notInSource(r rune) bool {
	return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-._:/*[]", r))
}
