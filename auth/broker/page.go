package broker

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // for the pages
	"encoding/base64"
	"html/template"
	"net/http"
	"unicode"
	"unicode/utf8"
)

//go:embed page.html
var pageText string

//go:embed page.css
var pageStyle string

// pages are the consent page and the page for what went wrong.
var pages = template.Must(template.New("page").Parse(pageText))

// pagePolicy lets a page show pictures that are part of it and use its own style,
// and nothing else: no script, no frame, nothing from elsewhere. It does not say
// where the form may go. Browsers apply that to every redirect that follows the
// form, and the provider may send the browser on to any host.
var pagePolicy = func() string {
	sum := sha256.Sum256([]byte(pageStyle))
	return "default-src 'none'; img-src data:; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; frame-ancestors 'none'"
}()

// A page is what both pages show.
type page struct {
	Style template.CSS
	Title string
	Name  string // of the server
	Host  string
	Logo  template.URL
	Body  any
}

// A consent is the body of the consent page.
type consent struct {
	Client   string
	Letter   string
	Logo     template.URL
	Document string // host of the client's metadata document
	To       destination
	Scopes   []Scope
	Provider string
	Action   string
	Request  string
}

// A problem is the body of the page for what went wrong.
type problem struct {
	Text string
	Back template.URL // that tells the client, if any
	To   destination
}

func (s *server) showConsent(w http.ResponseWriter, c *client, f *form, sealed string) {
	body := consent{
		Client: c.name, Logo: template.URL(c.logo), Document: c.host, To: destinationOf(f.Redirect), //nolint:gosec // a data URI of ours
		Provider: s.upstream.name, Action: s.config.Path + pathAuthorize, Request: sealed,
	}
	if body.Client == "" {
		body.Client = "An unnamed client"
	}
	body.Letter = letterOf(body.Client)
	for _, scope := range s.config.Scopes {
		for _, granted := range f.Scopes {
			if scope.Name == granted {
				body.Scopes = append(body.Scopes, scope)
			}
		}
	}
	s.show(w, http.StatusOK, "consent", page{Title: "Allow access to " + s.config.Name + "?", Body: body})
}

func (s *server) showProblem(w http.ResponseWriter, status int, body problem) {
	s.show(w, status, "problem", page{Title: "Sign-in not possible", Body: body})
}

func (s *server) show(w http.ResponseWriter, status int, name string, p page) {
	p.Style, p.Name, p.Host = template.CSS(pageStyle), s.config.Name, s.host //nolint:gosec // a constant
	p.Logo = template.URL(dataURI(s.config.Logo))                            //nolint:gosec // a data URI of ours
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, p); err != nil {
		s.env.Logger.Error("page not made", "error", err)
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("Referrer-Policy", "same-origin") // with no-referrer, browsers hide the origin of the form
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // fails when the client has gone
}

// letterOf returns the letter that stands for a client without a logo.
func letterOf(name string) string {
	for _, c := range name {
		if unicode.IsLetter(c) || unicode.IsDigit(c) {
			return string(unicode.ToUpper(c))
		}
	}
	c, _ := utf8.DecodeRuneInString(name)
	return string(c)
}
