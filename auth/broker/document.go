package broker

import (
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/mcpengine/mcpengine/internal/guard"
	"github.com/mcpengine/mcpengine/internal/jsonrpc"
	"github.com/mcpengine/mcpengine/internal/tokencache"
	"github.com/mcpengine/mcpengine/internal/weburl"
)

// Bounds of client id metadata documents.
const (
	maxDocument      = 5 << 10
	maxKeySet        = 16 << 10
	documentTimeout  = 3 * time.Second
	minDocumentTime  = time.Minute
	maxDocumentTime  = time.Hour
	badDocumentTime  = 30 * time.Second
	keySetTime       = 5 * time.Minute
	maxDocuments     = 1024
	maxDocumentURL   = 512
	maxDocumentsOpen = 16
)

// documents fetches and remembers what clients publish about themselves.
type documents struct {
	client *http.Client
	now    func() time.Time
	calls  singleflight.Group
	known  *tokencache.Cache[fetched]
	slots  chan struct{}

	keySets *tokencache.Cache[[]byte] // by their URLs
}

// A fetched document is a client, or the reason why it is not one.
type fetched struct {
	client *client
	err    error
}

// newDocuments returns documents that are fetched from the internet alone, or from
// private addresses too where the server itself is at one.
func newDocuments(given *http.Client, home *url.URL, now func() time.Time) *documents {
	d := &documents{now: now, known: tokencache.New[fetched](maxDocuments), keySets: tokencache.New[[]byte](maxDocuments), slots: make(chan struct{}, maxDocumentsOpen)}
	c := http.Client{}
	if given != nil {
		c = *given
	} else {
		c.Transport = guard.NewTransport(loopbackOf(home))
	}
	// A document is where its URL says and nowhere else (client id metadata
	// documents, section 4).
	c.Jar, c.CheckRedirect = nil, func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	d.client = &c
	return d
}

// loopbackOf returns the host of a server on this machine, and "" for any other. A
// server that is being developed may read the documents of its neighbours.
func loopbackOf(home *url.URL) string {
	if weburl.IsLoopback(home.Hostname()) {
		return home.Hostname()
	}
	return ""
}

// checkDocumentURL returns an error unless an id can be a client's (client id
// metadata documents, section 3): https at the usual port of a host with a name, a
// path, and nothing else.
func checkDocumentURL(id string) error {
	u, err := weburl.Parse(id)
	switch {
	case err != nil || len(id) > maxDocumentURL || u.Scheme != "https":
		return errInvalidClient{"has an id that is not an https URL"}
	case u.RawQuery != "" || u.ForceQuery || u.Port() != "" || u.Host != strings.ToLower(u.Host):
		return errInvalidClient{"has an id with a query, a port or a host in upper case"}
	case u.RawPath != "" || !isCleanPath(u.Path) && !isCleanPath(strings.TrimSuffix(u.Path, "/")):
		return errInvalidClient{"has an id without a path, or with a path in another than the usual spelling"}
	}
	if _, err := netip.ParseAddr(strings.Trim(u.Host, "[]")); err == nil || !strings.Contains(u.Host, ".") || isNumeric(u.Host) {
		return errInvalidClient{"has an id whose host is not a domain name"}
	}
	return nil
}

// isNumeric reports whether the last part of a host is a number: such hosts are
// spellings of addresses to some resolvers.
func isNumeric(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	_, err := strconv.ParseUint(last, 0, 64)
	return err == nil
}

// document returns the client that a metadata document is about.
func (s *server) document(ctx context.Context, id string) (*client, error) {
	if err := checkDocumentURL(id); err != nil {
		return nil, err
	}
	d, name := s.documents, tokencache.Of(id)
	if f, ok := d.known.Get(name, d.now()); ok {
		return f.client, f.err
	}
	answer := d.calls.DoChan(id, func() (any, error) {
		if !s.limits.documents.take("", d.now()) {
			return nil, errTooMany
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), documentTimeout)
		defer cancel()
		c, life, err := s.fetchDocument(ctx, id)
		if err != nil {
			life = badDocumentTime
		}
		d.known.Put(name, fetched{c, err}, d.now(), life)
		return c, err
	})
	select {
	case a := <-answer:
		c, _ := a.Val.(*client)
		return c, a.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *server) fetchDocument(ctx context.Context, id string) (*client, time.Duration, error) {
	body, header, err := s.documents.get(ctx, id, maxDocument)
	if err != nil {
		return nil, 0, err
	}
	c, logo, err := parseDocument(body, id, s.config.RedirectSchemes)
	if err != nil {
		return nil, 0, err
	}
	if logo != "" {
		if picture, _, err := s.documents.get(ctx, logo, maxLogoBytes); err == nil {
			c.logo = dataURI(picture) // without one the page shows a letter
		}
	}
	return c, documentLife(header), nil
}

var errNotFetched = errInvalidClient{"cannot be fetched"}

// get fetches a document with at most max bytes. The errors do not say what was
// found, which would tell a stranger about the network of the server.
func (d *documents) get(ctx context.Context, target string, most int64) ([]byte, http.Header, error) {
	select {
	case d.slots <- struct{}{}:
		defer func() { <-d.slots }()
	case <-ctx.Done():
		return nil, nil, errNotFetched
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		return nil, nil, errNotFetched
	}
	req.Header.Set("Accept", "application/json, image/*;q=0.5")
	resp, err := d.client.Do(req)
	if err != nil {
		return nil, nil, errNotFetched
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
	switch {
	case err != nil || resp.StatusCode != http.StatusOK:
		return nil, nil, errNotFetched
	case int64(len(body)) > most:
		return nil, nil, errInvalidClient{"is too large"}
	}
	return body, resp.Header, nil
}

// documentLife returns how long a document is kept, within bounds (RFC 9111,
// section 5.2.2).
func documentLife(h http.Header) time.Duration {
	life := maxDocumentTime
	for directive := range strings.SplitSeq(strings.ToLower(h.Get("Cache-Control")), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch name {
		case "no-store", "no-cache":
			return minDocumentTime
		case "max-age":
			if seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); err == nil {
				life = min(life, time.Duration(seconds)*time.Second)
			}
		}
	}
	return max(life, minDocumentTime)
}

// A clientDocument is a client id metadata document, in the members that are used
// (RFC 7591, section 2).
type clientDocument struct {
	ID        string          `json:"client_id"`
	Name      string          `json:"client_name"`
	Logo      string          `json:"logo_uri"`
	Redirects []string        `json:"redirect_uris"`
	Method    string          `json:"token_endpoint_auth_method"`
	KeySet    json.RawMessage `json:"jwks"`
	KeysURL   string          `json:"jwks_uri"`
	Secret    *string         `json:"client_secret"`
}

// parseDocument reads the document that was found at an id, and returns the client
// and where its logo is.
func parseDocument(data []byte, id string, schemes []string) (c *client, logo string, err error) {
	var d clientDocument
	if err := decodeStrict(data, &d); err != nil {
		return nil, "", errInvalidClient{"is not a JSON object of this kind"}
	}
	c = &client{id: id, name: plain(d.Name, maxName), redirects: d.Redirects}
	u, err := url.Parse(id)
	if err != nil {
		return nil, "", errNotFetched
	}
	c.host = u.Host
	switch {
	case d.ID != id:
		return nil, "", errInvalidClient{"is about another client"}
	case c.name == "":
		return nil, "", errInvalidClient{"has no client_name"}
	case len(d.Redirects) == 0 || len(d.Redirects) > maxRedirects:
		return nil, "", errInvalidClient{"has no redirect_uris, or too many"}
	case d.Secret != nil:
		return nil, "", errInvalidClient{"has a client_secret, which it would tell everybody"}
	}
	for _, uri := range d.Redirects {
		if err := checkRedirect(uri, schemes); err != nil {
			return nil, "", errInvalidClient{"is refused: " + err.Error()}
		}
	}
	switch d.Method {
	case "", methodNone:
	case methodKey:
		c.key, c.keySet, c.keysURL = true, d.KeySet, d.KeysURL
		if len(d.KeySet) == 0 && !isPublished(d.KeysURL) {
			return nil, "", errInvalidClient{"has no keys"}
		}
	default:
		return nil, "", errInvalidClient{"has a token_endpoint_auth_method other than none and private_key_jwt"}
	}
	if isPublished(d.Logo) {
		logo = d.Logo
	}
	return c, logo, nil
}

// isPublished reports whether a URL in a document can be fetched.
func isPublished(target string) bool {
	u, err := weburl.Parse(target)
	return err == nil && u.Scheme == "https" && u.Port() == "" && len(target) <= maxRedirect
}

// decodeStrict decodes a JSON object of a stranger. It refuses an object that has a
// name twice. It leaves out names with other characters than small letters and the
// underscore, because the decoder matches names without regard to case.
func decodeStrict(data []byte, into any) error {
	members, err := jsonrpc.ParseObject(data)
	if err != nil {
		return err
	}
	exact := jsonrpc.NewBuilder(len(data))
	for _, m := range members {
		name := string(m.Name)
		if strings.IndexFunc(name, func(c rune) bool { return (c < 'a' || c > 'z') && c != '_' }) < 0 {
			exact.Add(name, m.Value)
		}
	}
	return json.Unmarshal(exact.Object(), into)
}

// hasJSON reports whether a body says that it is JSON.
func hasJSON(h http.Header) bool {
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	return err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json"))
}
