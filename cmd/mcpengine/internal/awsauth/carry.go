package awsauth

import (
	"net/http"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/profile"
)

// Carry returns what carries the requests of a profile for which
// [profile.Profile.ForAWS] is true, on top of base, and the URL that they are to
// be for. Neither touches the network or the AWS configuration yet.
func Carry(p *profile.Profile, base http.RoundTripper) (string, http.RoundTripper, error) {
	how := p.Signing()
	config := Config{Base: base, Profile: how.Profile, Region: how.Region, Service: how.Service}
	if !profile.IsLambda(p.URL) {
		transport, err := NewSigner(p.URL, config)
		return p.URL, transport, err
	}
	f, err := profile.ParseFunction(p.URL)
	if err != nil {
		return "", nil, err
	}
	return f.Endpoint(), NewInvoker(f, config), nil
}
