package oauth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// maxClientText bounds an id or a secret that a server makes up.
const maxClientText = 4 << 10

// A registration is how an authorization server knows the client.
type registration int

const (
	preregistered registration = iota // by credentials in the configuration
	byDocument                        // by the client's metadata document
	dynamic                           // by registering with it
	unregistered                      // not at all
)

// registration returns the first possible way in the order of
// client-registration.
func (f *flow) registration() registration {
	switch {
	case f.config.Client.ID != "":
		return preregistered
	case f.config.MetadataURL != "" && f.server.ClientDocumentsRead:
		return byDocument
	case f.server.Register != "":
		return dynamic
	}
	return unregistered
}

// unregistered says how the client could be known.
func (f *flow) unregistered() error {
	if f.server.ClientDocumentsRead {
		return ErrNoDocument
	}
	return ErrRegistration
}

// register returns the client's credentials at the authorization server. The
// redirect URI is empty for a grant that has none.
func (f *flow) register(ctx context.Context, redirectURI string) (credentials, error) {
	switch f.registration() {
	case preregistered:
		return configured(f.config.Client, f.server)
	case byDocument:
		return credentials{ID: f.config.MetadataURL, Method: methodNone}, nil
	case unregistered:
		return credentials{}, f.unregistered()
	case dynamic:
	}
	key := clientKey(f.server.Issuer, f.config.Name)
	var found credentials
	ok, err := load(ctx, f.config.Store, key, &found)
	if err != nil {
		return credentials{}, err
	}
	if ok && found.usable(f.config.Now(), redirectURI) {
		return found, nil
	}
	if found, err = f.registerNow(ctx, redirectURI); err != nil {
		return credentials{}, fmt.Errorf("register the client: %w", err)
	}
	return found, save(ctx, f.config.Store, key, found)
}

// usable reports whether a registration still serves.
func (c *credentials) usable(now time.Time, redirectURI string) bool {
	return c.ID != "" && c.RedirectURI == redirectURI && (c.Expires.IsZero() || now.Before(c.Expires))
}

// forget drops a registration that the server no longer knows.
func (f *flow) forget(ctx context.Context) error {
	return f.config.Store.Delete(ctx, clientKey(f.server.Issuer, f.config.Name))
}

// registerNow registers the client (RFC 7591). A client that is not "native"
// may not be redirected to its own machine (client-registration, "Application
// Type and Redirect URI Constraints").
func (f *flow) registerNow(ctx context.Context, redirectURI string) (credentials, error) {
	method := methodNone
	for _, other := range []string{methodBasic, methodPost} {
		if method == methodNone && f.server.AuthMethods != nil &&
			!supports(f.server.AuthMethods, methodNone) && supports(f.server.AuthMethods, other) {
			method = other
		}
	}
	metadata := map[string]any{
		"client_name":                f.config.Name,
		"application_type":           "native",
		"grant_types":                append(f.config.Grant.grantTypes(), "refresh_token"),
		"token_endpoint_auth_method": method,
	}
	if redirectURI != "" {
		metadata["redirect_uris"], metadata["response_types"] = []string{redirectURI}, []string{"code"}
	} else {
		metadata["redirect_uris"], metadata["response_types"] = []string{}, []string{}
	}
	body, err := json.Marshal(metadata)
	if err != nil {
		return credentials{}, fmt.Errorf("encode: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.server.Register, bytes.NewReader(body))
	if err != nil {
		return credentials{}, errors.New("make request")
	}
	req.Header.Set("Content-Type", "application/json")
	a, err := f.fetch.send(req)
	if err != nil {
		return credentials{}, err
	}
	if a.status != http.StatusCreated && a.status != http.StatusOK {
		return credentials{}, refusal(a)
	}
	return f.parseRegistration(a.body, redirectURI)
}

func (f *flow) parseRegistration(data []byte, redirectURI string) (credentials, error) {
	var said struct {
		ID      string `json:"client_id"`
		Secret  string `json:"client_secret"`
		Method  string `json:"token_endpoint_auth_method"`
		Expires int64  `json:"client_secret_expires_at"`
	}
	if err := decode(data, &said); err != nil {
		return credentials{}, err
	}
	if !plainText(said.ID) || said.Secret != "" && !plainText(said.Secret) {
		return credentials{}, errors.New("the client id or secret is missing, too long, or no text")
	}
	c := credentials{ID: said.ID, Secret: said.Secret, Method: said.Method, RedirectURI: redirectURI}
	switch {
	case c.Secret == "", c.Method == "" && supports(f.server.AuthMethods, methodNone):
		c.Method = methodNone // the secret was not asked for
	case c.Method == methodBasic, c.Method == methodPost, c.Method == methodNone:
	default:
		chosen, err := configured(Client{ID: c.ID, Secret: c.Secret}, f.server)
		if err != nil {
			return credentials{}, err
		}
		c.Method = chosen.Method
	}
	if said.Expires > 0 {
		c.Expires = time.Unix(said.Expires, 0)
	}
	return c, nil
}

// plainText reports whether s can be an id or a secret (RFC 6749, appendix A).
func plainText(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return s != "" && len(s) <= maxClientText
}
