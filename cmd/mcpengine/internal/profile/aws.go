package profile

import (
	"errors"
	"strings"
)

// An AWS says how requests are signed with Signature Version 4. It has no
// credentials: they are looked up each time, as the AWS tools do.
type AWS struct {
	// Profile is a profile of the AWS configuration. Default: AWS_PROFILE, or none.
	Profile string `json:"profile,omitempty"`
	// Region is the region to sign for. Default: the one in the URL, and then the
	// one in the AWS configuration.
	Region string `json:"region,omitempty"`
	// Service is the service to sign for: lambda or execute-api. Default: the one
	// in the URL.
	Service string `json:"service,omitempty"`
}

// ForAWS reports whether requests are signed: when the profile says so, and for
// a lambda URL.
func (p *Profile) ForAWS() bool { return p.AWS != nil || IsLambda(p.URL) }

// Signing returns how requests are signed, when [Profile.ForAWS] says that they are.
func (p *Profile) Signing() AWS {
	if p.AWS == nil {
		return AWS{}
	}
	return *p.AWS
}

// checkAWS refuses settings that conflict with a signature.
func (p *Profile) checkAWS() error {
	if !p.ForAWS() {
		return nil
	}
	lambda, a := IsLambda(p.URL), p.Signing()
	switch {
	case p.ClientID != "" || len(p.Scopes) > 0:
		return errors.New("a server whose requests are signed for AWS is not signed in to with OAuth")
	case lambda && a.Service != "":
		return errors.New("a lambda URL is always for the service lambda")
	case lambda && p.Mode == "sse":
		return errors.New("HTTP+SSE does not work with a lambda URL: a function does not outlive its answer")
	case a.Region != "" && !isRegion(a.Region):
		return errors.New("the AWS region is not letters, digits and -")
	case a.Service != "" && !isRegion(a.Service):
		return errors.New("the AWS service is not letters, digits and -")
	case len(a.Profile) > 256 || strings.ContainsFunc(a.Profile, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return errors.New("the AWS profile is not a name")
	}
	for _, h := range p.Headers {
		name := strings.ToLower(h.Name)
		if !lambda && name == "authorization" || name == "x-amz-date" || name == "x-amz-security-token" || name == "x-amz-content-sha256" {
			return errors.New("header " + h.Name + " is taken by the signature for AWS; send a token with another one")
		}
	}
	return nil
}
