package brokertest

import (
	"errors"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// An Internet is a transport to servers in this process, by their hosts. Requests to
// other hosts leave the process.
type Internet map[string]http.Handler

// RoundTrip implements [http.RoundTripper].
func (i Internet) RoundTrip(req *http.Request) (*http.Response, error) {
	handler, ok := i[req.URL.Host]
	if !ok {
		return http.DefaultTransport.RoundTrip(req)
	}
	inner := req.Clone(req.Context())
	inner.RequestURI, inner.Host = req.URL.RequestURI(), req.URL.Host
	if inner.RemoteAddr = "192.0.2.1:1234"; inner.Body == nil {
		inner.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, inner)
	resp := w.Result()
	resp.Request = req
	return resp, nil
}

// A Page is the answer to a browser.
type Page struct {
	Status   int
	Header   http.Header
	Location string // absolute, and empty for a page that stays
	Body     string
	URL      string
}

// A Browser keeps cookies and follows nothing by itself.
type Browser struct {
	tb     testing.TB
	client http.Client
}

// NewBrowser returns a browser without cookies.
func NewBrowser(tb testing.TB, transport http.RoundTripper) *Browser {
	tb.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return &Browser{tb: tb, client: http.Client{
		Transport: transport, Jar: jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Cookies returns the browser's cookies for a URL.
func (b *Browser) Cookies(target string) []*http.Cookie {
	b.tb.Helper()
	return b.client.Jar.Cookies(b.parse(target))
}

// SetCookie gives the browser a cookie of a URL.
func (b *Browser) SetCookie(target string, cookie *http.Cookie) {
	b.tb.Helper()
	b.client.Jar.SetCookies(b.parse(target), []*http.Cookie{cookie})
}

func (b *Browser) parse(target string) *url.URL {
	b.tb.Helper()
	u, err := url.Parse(target)
	if err != nil {
		b.tb.Fatal(err)
	}
	return u
}

// Get opens a URL.
func (b *Browser) Get(target string) Page {
	b.tb.Helper()
	return b.send(http.MethodGet, target, "", nil)
}

// Post sends a form, with header fields besides those of a form.
func (b *Browser) Post(target string, form url.Values, header http.Header) Page {
	b.tb.Helper()
	return b.send(http.MethodPost, target, form.Encode(), header)
}

func (b *Browser) send(method, target, body string, header http.Header) Page {
	b.tb.Helper()
	req, err := http.NewRequestWithContext(b.tb.Context(), method, target, strings.NewReader(body))
	if err != nil {
		b.tb.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	maps.Copy(req.Header, header)
	resp, err := b.client.Do(req)
	if err != nil {
		b.tb.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.tb.Fatal(err)
	}
	p := Page{Status: resp.StatusCode, Header: resp.Header, Body: string(text), URL: target}
	if to := resp.Header.Get("Location"); to != "" {
		u, err := req.URL.Parse(to)
		if err != nil {
			b.tb.Fatal(err)
		}
		p.Location = u.String()
	}
	return p
}

var (
	formAction = regexp.MustCompile(`<form[^>]*\saction="([^"]*)"`)
	formHidden = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
)

// Form returns where the form of a page goes, and its hidden fields.
func (p Page) Form() (action string, fields url.Values, err error) {
	found := formAction.FindStringSubmatch(p.Body)
	if found == nil {
		return "", nil, fmt.Errorf("a page without a form: HTTP status %d: %.500s", p.Status, Text(p.Body))
	}
	base, err := url.Parse(p.URL)
	if err != nil {
		return "", nil, err
	}
	u, err := base.Parse(html.UnescapeString(found[1]))
	if err != nil {
		return "", nil, err
	}
	fields = url.Values{}
	for _, field := range formHidden.FindAllStringSubmatch(p.Body, -1) {
		fields.Set(html.UnescapeString(field[1]), html.UnescapeString(field[2]))
	}
	return u.String(), fields, nil
}

// Text returns what a person reads on a page.
func Text(page string) string {
	_, body, _ := strings.Cut(page, "<body>")
	text := regexp.MustCompile(`<[^>]*>`).ReplaceAllString(body, " ")
	return html.UnescapeString(strings.Join(strings.Fields(text), " "))
}

// Decide answers a consent page, with "allow" or "deny".
func (b *Browser) Decide(p Page, decision string) Page {
	b.tb.Helper()
	action, fields, err := p.Form()
	if err != nil {
		b.tb.Fatal(err)
	}
	fields.Set("decision", decision)
	return b.Post(action, fields, http.Header{"Sec-Fetch-Site": {"same-origin"}})
}

// Follow opens the pages that a page leads to, until one stays or leads to the
// prefix, and returns that URL.
func (b *Browser) Follow(p Page, prefix string) string {
	b.tb.Helper()
	for range 20 {
		switch {
		case p.Location == "":
			b.tb.Fatalf("no redirect to %s: HTTP status %d: %s", prefix, p.Status, Text(p.Body))
		case strings.HasPrefix(p.Location, prefix):
			return p.Location
		}
		p = b.Get(p.Location)
	}
	b.tb.Fatalf("the browser is sent on and on, at last to %s", p.Location)
	return ""
}

// LogIn opens the pages that a page leads to, until one leads to the prefix, and
// returns that URL. It fills in the login forms on the way with the name of a user,
// which is the password too.
func (b *Browser) LogIn(p Page, user, prefix string) (string, error) {
	b.tb.Helper()
	for range 20 {
		switch {
		case strings.HasPrefix(p.Location, prefix):
			return p.Location, nil
		case p.Location != "":
			p = b.Get(p.Location)
		default:
			action, fields, err := p.Form()
			if err != nil {
				return "", err
			}
			fields.Set("username", user)
			fields.Set("password", user)
			p = b.Post(action, fields, nil)
		}
	}
	return "", errors.New("the sign-in does not end")
}
