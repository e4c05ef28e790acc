package awsauth

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/mcpengine/mcpengine/internal/weburl"
)

// A Config says how requests are carried. Its zero value but for Base is ready
// to use.
type Config struct {
	// Base carries the signed requests. Required.
	Base http.RoundTripper

	// Profile names one of the AWS configuration. The default is what the
	// configuration says.
	Profile string

	// Region is the region to sign for. The default is the one in the URL or the
	// ARN, and then the one in the configuration.
	Region string

	// Service is what signatures are for. The default is lambda for a Function
	// URL and execute-api for an API Gateway. It is not used by [NewInvoker].
	Service string

	// Now is the clock. The default is [time.Now].
	Now func() time.Time
}

// maxBody bounds what is signed: 6 MB is what Lambda takes, and 10 MB what API
// Gateway takes.
const maxBody = 10 << 20

// A signer is the RoundTripper of a server that checks signatures.
type signer struct {
	config  Config
	account *account
	signer  *v4.Signer
	server  *url.URL // nothing else gets a signature
	service string
	region  string // "" for the one of the configuration
}

// NewSigner returns a RoundTripper that signs the requests to the origin of a
// server's URL with Signature Version 4, the body included. A request for
// another origin is an error, and a redirect is returned without its Location.
// NewSigner reads no configuration before the first request. When AWS refuses a
// request, the error is a [peer.AuthError] of an [*Error]. If the credentials
// have expired, new ones are looked for first. A request of more than 10 MB
// gets the status 413. The URL must be https, or http on this machine, and name
// the service as AWS does, unless Service names it.
func NewSigner(rawURL string, c Config) (http.RoundTripper, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, errors.New("the URL does not parse") // it may hold a secret
	}
	if !weburl.Secure(u) {
		return nil, errors.New("requests are signed for https alone, and for http on this machine: the session token goes with them")
	}
	service, region := serviceOf(u.Hostname())
	if c.Service != "" {
		service = c.Service
	}
	if service == "" {
		return nil, &Error{"the host does not say which AWS service it is of", "name it: --aws-service lambda or --aws-service execute-api"}
	}
	return newSigner(c, u, service, region), nil
}

func newSigner(c Config, server *url.URL, service, region string) *signer {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Region != "" {
		region = c.Region
	}
	return &signer{
		config: c, account: &account{profile: c.Profile, region: c.Region}, signer: v4.NewSigner(),
		server: server, service: service, region: region,
	}
}

// serviceOf reads the names that AWS gives to hosts: ID.lambda-url.REGION.on.aws
// and ID.execute-api.REGION.amazonaws.com, also within a VPC and in China.
func serviceOf(host string) (service, region string) {
	labels := strings.Split(strings.ToLower(host), ".")
	if len(labels) < 5 {
		return "", ""
	}
	switch tail := "." + strings.Join(labels[3:], "."); {
	case labels[1] == "lambda-url" && tail == ".on.aws":
		return "lambda", labels[2]
	case labels[1] == "execute-api" && (strings.HasSuffix(tail, ".amazonaws.com") || strings.HasSuffix(tail, ".amazonaws.com.cn") || tail == ".api.aws"):
		return "execute-api", labels[2]
	}
	return "", ""
}

// RoundTrip implements [http.RoundTripper].
func (s *signer) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := readBody(r, maxBody)
	if errors.Is(err, errTooLarge) {
		return local(r, http.StatusRequestEntityTooLarge, err.Error()), nil
	}
	if err != nil {
		return nil, err
	}
	if r.URL.Scheme != s.server.Scheme || r.URL.Host != s.server.Host {
		return nil, errors.New("a request to another origin gets no signature")
	}
	who, err := s.account.identity(r.Context(), nil)
	if err != nil {
		return nil, err
	}
	for again := false; ; again = true {
		resp, err := s.send(r, body, who)
		if err != nil {
			return nil, err
		}
		refused, err := s.refusal(resp)
		if err != nil || refused == nil {
			return resp, err
		}
		// A request that is refused for its sender has not been acted on.
		if refused.expired && !again {
			if other, err := s.account.identity(r.Context(), &who); err == nil && !other.same(who) {
				who = other
				continue
			}
		}
		return nil, refused.explain(s.service)
	}
}

// send signs a copy of the request, and sends it.
func (s *signer) send(r *http.Request, body []byte, who identity) (*http.Response, error) {
	signed, err := s.sign(r, body, who)
	if err != nil {
		return nil, err
	}
	resp, err := s.config.Base.RoundTrip(signed)
	if err != nil {
		return nil, err
	}
	// The response refers to the request without its signature.
	resp.Request = r
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		resp.Header.Del("Location")
	}
	return resp, nil
}

// sign returns a signed copy of the request. The fields that a proxy may change
// are not there yet: net/http adds them.
func (s *signer) sign(r *http.Request, body []byte, who identity) (*http.Request, error) {
	region := s.region
	if region == "" {
		region = who.region
	}
	if region == "" {
		return nil, unauthorized(0, "no AWS region is set", "name one with --aws-region, for example --aws-region us-east-1, or set AWS_REGION")
	}
	signed := r.Clone(r.Context())
	signed.Body, signed.GetBody, signed.ContentLength = http.NoBody, nil, int64(len(body))
	if len(body) > 0 {
		signed.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		signed.Body, _ = signed.GetBody()
	}
	sum := sha256.Sum256(body)
	digest := hex.EncodeToString(sum[:])
	// A field without a value is not sent, and so it must not be signed.
	maps.DeleteFunc(signed.Header, func(_ string, values []string) bool { return len(values) == 0 })
	signed.Header.Del("Authorization")
	signed.Header.Set("X-Amz-Content-Sha256", digest)
	err := s.signer.SignHTTP(r.Context(), who.credentials, signed, digest, s.service, region, s.config.Now().UTC())
	if err != nil {
		return nil, fmt.Errorf("sign the request for AWS: %s", innermost(err))
	}
	return signed, nil
}

var errTooLarge = errors.New("the request has more bytes than AWS takes")

// readBody reads the body of a request and closes it.
func readBody(r *http.Request, limit int) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	defer r.Body.Close()
	body, err := io.ReadAll(io.LimitReader(r.Body, int64(limit)+1))
	if err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	if len(body) > limit {
		return nil, errTooLarge
	}
	return body, nil
}
