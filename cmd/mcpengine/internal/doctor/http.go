package doctor

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/internal/peer"
	"github.com/mcpengine/mcpengine/internal/protocol"
	"github.com/mcpengine/mcpengine/internal/weburl"
	"github.com/mcpengine/mcpengine/mcp"
)

// A contact is what the first requests have shown.
type contact struct {
	discover *reply
	refusal  *peer.AuthError // of a request without a token; nil if none was refused
	token    bool            // requests carry the token that is kept
}

const (
	maxRedirects = 5
	slow         = 5 * time.Second // hosts start many servers, and wait 10 to 60 seconds for each
	someSkew     = time.Minute
	muchSkew     = 5 * time.Minute // signatures for AWS, and most tokens, are refused
)

// stateless is the version that is asked in first.
func stateless() *protocol.Version { return protocol.Latest(false, nil, nil) }

func discover() request {
	return request{version: stateless(), method: mcp.MethodServerDiscover}
}

// reach sends the first request, and reports whether the server answers it in a way
// that more requests make sense.
func (x *exam) reach(ctx context.Context) bool {
	for range maxRedirects {
		r, err := x.ask(ctx, discover())
		if err != nil {
			x.silent(err)
			return false
		}
		if r.status/100 == 3 && r.header.Get("Location") != "" {
			if !x.redirected(r) {
				return false
			}
			continue
		}
		x.seen.discover = r
		x.clock(r)
		x.time(ctx, r)
		return x.answered(r)
	}
	x.fail("redirect", "more than %d redirects", maxRedirects)
	return false
}

// silent says why a request has no answer.
func (x *exam) silent(err error) {
	var hinted interface {
		error
		Hint() string
	}
	switch {
	case errors.As(err, &hinted):
		x.add("aws.signature", Failure, hinted.Hint(), "%s", hinted.Error())
	case errors.Is(err, context.DeadlineExceeded):
		x.fail("http.time", "no answer within %s", x.Timeout)
	case errors.Is(err, errCut):
		x.fail("http.size", "%s", err)
	case x.Signed == nil && x.usesProxy():
		x.fail("proxy", "the proxy does not let the request pass: %s", reason(err))
	default:
		x.fail("http.answer", "no answer: %s", reason(err))
	}
}

// redirected examines a redirect, and reports whether clients follow it.
func (x *exam) redirected(r *reply) bool {
	to, err := x.url.Parse(r.header.Get("Location"))
	if err != nil {
		x.fail("redirect", "HTTP %d to something that is not a URL", r.status)
		return false
	}
	where := shown(to)
	switch {
	case x.url.Scheme == "https" && to.Scheme == "http":
		x.fail("redirect.scheme", "HTTP %d to %s: tokens would go in the clear", r.status, where)
	case weburl.Origin(to) != weburl.Origin(x.url):
		x.fail("redirect.origin", "HTTP %d to %s, another origin: credentials do not follow", r.status, where)
	case r.status != http.StatusTemporaryRedirect && r.status != http.StatusPermanentRedirect:
		x.fail("redirect.method", "HTTP %d to %s: clients make a GET of it and lose the message", r.status, where)
	default:
		x.add("redirect", Warning, "Use "+where+", which saves a request each time.", "HTTP %d to %s", r.status, where)
		x.url, x.URL = to, to.String()
		return true
	}
	return false
}

// clock compares the clocks. A cached answer has the time at which it was made.
func (x *exam) clock(r *reply) {
	date, err := http.ParseTime(r.header.Get("Date"))
	if err != nil || r.header.Get("Age") != "" {
		return
	}
	var skew time.Duration
	switch {
	case date.Before(r.sent.Add(-time.Second)): // Date has whole seconds
		skew = r.sent.Sub(date)
	case date.After(r.received):
		skew = date.Sub(r.received)
	}
	ahead := "ahead of"
	if date.After(r.received) {
		ahead = "behind"
	}
	skew = skew.Round(time.Second)
	switch {
	case skew >= muchSkew:
		x.fail("clock", "the clock of this machine is %s %s the server's", skew, ahead)
	case skew >= someSkew:
		x.warn("clock", "the clock of this machine is %s %s the server's", skew, ahead)
	default:
		x.ok("clock", "the clocks agree")
	}
}

// time says how long answers take. A slow first answer is followed by a second, to
// tell a cold start from a slow server.
func (x *exam) time(ctx context.Context, first *reply) {
	took := first.received.Sub(first.sent)
	if took < slow {
		x.ok("http.time", "the first answer took %s", took.Round(time.Millisecond))
		return
	}
	second, err := x.ask(ctx, discover())
	if err == nil && second.received.Sub(second.sent) < slow {
		x.add("http.time", Warning, "Keep an instance warm, or make the start faster.", "a cold start: the first answer took %s, the next one %s",
			took.Round(time.Millisecond), second.received.Sub(second.sent).Round(time.Millisecond))
		return
	}
	x.warn("http.time", "an answer takes %s", took.Round(time.Millisecond))
}

// answered judges the status of the first answer.
func (x *exam) answered(r *reply) bool {
	switch {
	case r.good() || r.refused != nil && r.status < 500:
		x.ok("http.answer", "HTTP %d", r.status)
		return true
	case isAWS(r):
		x.fail("aws.signature", "%s: the server is behind AWS IAM and the request is not signed", r.says())
		return false
	case r.status == http.StatusUnauthorized, r.status == http.StatusForbidden && len(peer.Challenges(r.header)) > 0:
		x.ok("http.answer", "HTTP %d: the server wants credentials", r.status)
		return true
	case r.status == http.StatusForbidden:
		x.add("http.answer", Failure, "Allow the host of the URL at the server, or this machine at the firewall in front of it.", "%s", r.says())
		return false
	case r.status == http.StatusProxyAuthRequired:
		x.add("proxy", Failure, "Put credentials into the URL in HTTPS_PROXY or HTTP_PROXY.", "the proxy wants credentials")
		return false
	case r.status == http.StatusTooManyRequests:
		x.add("http.answer", Failure, "Wait, and raise the limit if it comes back.", "%s: too many requests", r.says())
		return false
	case r.status >= 500:
		x.add("http.answer", Failure, "Start the server behind the proxy or gateway, and look into its log.", "%s", r.says())
		return false
	case r.page && r.status < 300:
		x.fail("http.answer", "a web page and no answer of the protocol")
		return false
	}
	return true // a server of a handshake version may answer an unknown method so
}

// isAWS reports whether AWS refuses a request before the server has seen it.
func isAWS(r *reply) bool {
	return r.status == http.StatusForbidden && r.header.Get("X-Amzn-Errortype") != "" && r.refused == nil
}

// fieldsOfPages are the fields that a web page has to send.
var fieldsOfPages = []string{"authorization", "content-type", "mcp-method", "mcp-name", "mcp-protocol-version", "mcp-session-id"}

// stranger is an origin that is in no configuration.
const stranger = "https://doctor.invalid"

// cors asks what a browser asks before a page may call the server.
func (x *exam) cors(ctx context.Context) {
	x.rebinding(ctx)
	ctx, cancel := context.WithTimeout(ctx, x.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodOptions, x.URL, http.NoBody)
	if err != nil {
		return
	}
	r.Header.Set("Origin", stranger)
	r.Header.Set("Access-Control-Request-Method", http.MethodPost)
	r.Header.Set("Access-Control-Request-Headers", strings.Join(fieldsOfPages, ","))
	resp, err := x.send.RoundTrip(r)
	if err != nil {
		return
	}
	resp.Body.Close()
	allowed := resp.Header.Get("Access-Control-Allow-Origin")
	if allowed != "*" && allowed != stranger {
		x.add("cors.preflight", OK, "Name the origin of a web client at the server, if there is one.", "web pages of unknown origins may not call it")
		return
	}
	var missing []string
	fields := strings.FieldsFunc(strings.ToLower(strings.Join(resp.Header.Values("Access-Control-Allow-Headers"), ",")), func(r rune) bool { return r == ',' || r == ' ' })
	for _, field := range fieldsOfPages {
		// The asterisk stands for all but Authorization (Fetch, section 3.3.3).
		if !slices.Contains(fields, field) && (field == "authorization" || !slices.Contains(fields, "*")) {
			missing = append(missing, field)
		}
	}
	if len(missing) > 0 {
		x.warn("cors.preflight", "web pages may call it, and may not send %s", strings.Join(missing, ", "))
	} else {
		x.ok("cors.preflight", "web pages may call it")
	}
}

// rebinding asks a server of this machine as a page in the browser would.
func (x *exam) rebinding(ctx context.Context) {
	if host := x.url.Hostname(); host != "localhost" && !isLoopback(host) || x.Signed != nil {
		return
	}
	q := discover()
	if !x.seen.discover.good() {
		q = initialize(protocol.Latest(true, nil, nil))
	}
	q.edit = func(h http.Header) { h.Set("Origin", stranger) }
	r, err := x.ask(ctx, q)
	if err != nil {
		return
	}
	if r.status == http.StatusForbidden && x.seen.refusal == nil {
		x.ok("cors.origin", "web pages of unknown origins are refused")
	}
	if !r.good() {
		return // for another reason
	}
	x.warn("cors.origin", "the server on this machine answers a web page of any origin")
	if id := r.header.Get(sessionField); id != "" {
		_ = x.end(ctx, q.version, id) // it ends by itself too
	}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// maxDocument bounds a document of metadata.
const maxDocument = 512 << 10

// get reads a document, without credentials. It returns nil where there is none.
func (x *exam) get(ctx context.Context, location *url.URL) []byte {
	ctx, cancel := context.WithTimeout(ctx, x.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, location.String(), http.NoBody)
	if err != nil {
		return nil
	}
	r.Header.Set("Accept", "application/json")
	resp, err := x.direct.RoundTrip(r)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxDocument))
	if err != nil || resp.StatusCode != http.StatusOK {
		return nil
	}
	return data
}
