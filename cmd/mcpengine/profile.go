package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/profile"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/remote"
)

// profile returns the profile that the flags describe. Settings without a flag stay
// as they are if the server is the same. Another server gets none of them.
func (c *cli) profile(said func(flag string) bool, old *profile.Profile, url string, f *proxyFlags) (*profile.Profile, string, error) {
	p := &profile.Profile{URL: url}
	if old != nil {
		if p.Native = old.Native; old.URL == url {
			*p = *old
		}
	}
	when := func(flag string, set func()) {
		if said(flag) {
			set()
		}
	}
	n := &f.profile
	when(insecureHTTP, func() { p.InsecureHTTP = n.InsecureHTTP })
	when(insecureNoPKCE, func() { p.InsecureNoPKCE = n.InsecureNoPKCE })
	when(insecureNoIssuer, func() { p.InsecureNoIssuer = n.InsecureNoIssuer })
	when(insecureResource, func() { p.InsecureResource = n.InsecureResource })
	when("mode", func() { p.Mode = n.Mode })
	when("protocol", func() { p.Protocol = n.Protocol })
	when("client-id", func() {
		if p.ClientID != n.ClientID {
			p.ClientID, p.ClientSecret = n.ClientID, nil
		}
	})
	when(clientMetadata, func() { p.ClientMetadata = n.ClientMetadata })
	when("scope", func() { p.Scopes = n.Scopes })
	when("allow", func() { p.Tools.Allow = n.Tools.Allow })
	when("deny", func() { p.Tools.Deny = n.Tools.Deny })
	when("read-only", func() { p.Tools.ReadOnly = n.Tools.ReadOnly })
	if err := setPin(said, p, f); err != nil {
		return nil, "", err
	}
	when("timeout", func() { p.Timeout = profile.Duration(f.timeout) })
	for name, file := range map[string]struct{ to, from *string }{
		"ca-file": {&p.CAFile, &n.CAFile}, "cert-file": {&p.CertFile, &n.CertFile}, "key-file": {&p.KeyFile, &n.KeyFile},
	} {
		if !said(name) {
			continue
		}
		var err error
		if *file.to, err = absolute(*file.from); err != nil {
			return nil, "", err
		}
	}
	if err := f.sign.apply(p, said); err != nil {
		return nil, "", err
	}
	if err := setHeaders(said, p, f.headers); err != nil {
		return nil, "", err
	}
	secret, err := c.clientSecret(said, f.secret)
	if err != nil {
		return nil, "", err
	}
	if secret != "" && p.ClientID == "" {
		return nil, "", errors.New("a client secret needs --client-id")
	}
	return p, secret, p.Check()
}

// setPin takes the lock file that the server must not differ from. An empty name
// removes it.
func setPin(said func(flag string) bool, p *profile.Profile, f *proxyFlags) error {
	if !said("pin") && !said("pin-mode") {
		return nil
	}
	pin := &profile.Pin{}
	if p.Pin != nil {
		*pin = *p.Pin
	}
	if said("pin-mode") {
		if f.pinMode != "refuse" && f.pinMode != "warn" {
			return fmt.Errorf(`--pin-mode %q is not "refuse" or "warn"`, f.pinMode)
		}
		pin.Warn = f.pinMode == "warn"
	}
	if said("pin") {
		var err error
		if pin.File, err = absolute(f.pin); err != nil {
			return err
		}
	}
	switch {
	case pin.File == "" && said("pin-mode"):
		return errors.New("--pin-mode needs --pin FILE")
	case pin.File == "":
		p.Pin = nil
		return nil
	}
	p.Pin = pin
	_, err := remote.ReadPin(p)
	return err
}

func setHeaders(said func(flag string) bool, p *profile.Profile, pairs []string) error {
	if !said("header") {
		return nil
	}
	p.Headers = nil
	for _, pair := range pairs {
		h, err := profile.ParseHeader(pair)
		if err != nil {
			return fmt.Errorf("--header: %w", err)
		}
		if h.File, err = absolute(h.File); err != nil {
			return err
		}
		p.Headers = append(p.Headers, h)
	}
	return nil
}

// absolute names a file for a program that is started somewhere else.
func absolute(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	return filepath.Abs(file)
}

// clientSecret returns the OAuth client secret, from where the user has put it.
func (c *cli) clientSecret(said func(flag string) bool, place string) (string, error) {
	if !said("client-secret") {
		if said("client-id") {
			return strings.TrimSpace(c.getenv("MCPENGINE_CLIENT_SECRET")), nil
		}
		return "", nil
	}
	var secret string
	var err error
	name, isVariable := strings.CutPrefix(place, "env:")
	file, isFile := strings.CutPrefix(place, "@")
	switch {
	case isVariable:
		secret = c.getenv(name)
	case isFile:
		secret, err = c.readFile(file, maxSecretBytes)
	case place == "-":
		secret, err = c.readFile("-", maxSecretBytes)
	default:
		// What was given may be the secret, so it is not repeated.
		return "", errors.New("--client-secret is env:NAME, @FILE or - for standard input: other users see what is in a command line")
	}
	if err != nil {
		return "", fmt.Errorf("--client-secret: %w", err)
	}
	if secret = strings.TrimSpace(secret); secret == "" {
		return "", errors.New("the client secret is empty")
	}
	return secret, nil
}

// maxSecretBytes bounds a file that holds a client secret.
const maxSecretBytes = 16 << 10
