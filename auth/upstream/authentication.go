package upstream

import (
	"crypto"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// maxSecretFile bounds the file of a secret or a key.
const maxSecretFile = 64 << 10

// An Authentication is how the server proves to a provider that it is the client:
// [Secret], [SecretFromEnv], [SecretFromFile], [PrivateKey], [PrivateKeyFromFile] or
// [Certificate]. Printing it shows nothing.
type Authentication struct{ way *way }

// A way has either a secret or a key.
type way struct {
	secret func() (string, error)
	inForm bool
	key    *assertionKey
	fault  error
}

// Secret authenticates by a client secret in the header of the request
// (client_secret_basic).
func Secret(secret string) Authentication {
	w := &way{secret: func() (string, error) { return secret, nil }}
	if secret == "" {
		w.fault = errors.New("the client secret is empty")
	}
	return Authentication{w}
}

// SecretFromEnv is [Secret] with the secret of an environment variable.
func SecretFromEnv(name string) Authentication {
	secret := os.Getenv(name)
	a := Secret(secret)
	if secret == "" {
		a.way.fault = fmt.Errorf("the environment variable %s with the client secret is not set", name)
	}
	return a
}

// SecretFromFile is [Secret] with the secret in a file, such as a mounted one. The
// file is read for each token request, so that a secret that is replaced is used at
// once. White space around the secret does not count.
func SecretFromFile(path string) Authentication {
	read := func() (string, error) {
		text, err := readFile(path)
		if secret := strings.TrimSpace(string(text)); err != nil || secret != "" {
			return secret, err
		}
		return "", errors.New("the file with the client secret is empty")
	}
	_, err := read()
	return Authentication{&way{secret: read, fault: err}}
}

// InForm sends a secret in the body of the request (client_secret_post), for a
// provider that wants it there.
func (a Authentication) InForm() Authentication {
	if a.way == nil {
		return a
	}
	own := *a.way
	own.inForm = true
	return Authentication{&own}
}

// PrivateKey authenticates by assertions that the key signs (private_key_jwt, RFC
// 7523). RSA keys sign with RS256, ECDSA keys of the curves P-256, P-384 and P-521
// with ES256, ES384 and ES512, and Ed25519 keys with EdDSA. The key may be in a key
// management service. The provider knows the public key by its id.
func PrivateKey(keyID string, key crypto.Signer) Authentication {
	k, err := newAssertionKey(key, false)
	if err != nil {
		return Authentication{&way{fault: err}}
	}
	if keyID != "" {
		k.header["kid"] = keyID
	}
	return Authentication{&way{key: k}}
}

// PrivateKeyFromFile is [PrivateKey] with a key in a PEM file (PKCS #8, PKCS #1 or
// SEC 1), which is read once.
func PrivateKeyFromFile(keyID, path string) Authentication {
	text, err := readFile(path)
	var key crypto.Signer
	if err == nil {
		key, err = parseKey(text)
	}
	if err != nil {
		return Authentication{&way{fault: err}}
	}
	return PrivateKey(keyID, key)
}

// Certificate authenticates by assertions that the key of a certificate signs, as
// Microsoft Entra ID wants them: with PS256, and the certificate named by its SHA-256
// thumbprint. [tls.LoadX509KeyPair] reads one from files.
func Certificate(certificate tls.Certificate) Authentication {
	signer, ok := certificate.PrivateKey.(crypto.Signer)
	if !ok || len(certificate.Certificate) == 0 {
		return Authentication{&way{fault: errors.New("no certificate, or its key cannot sign")}}
	}
	k, err := newAssertionKey(signer, true)
	if err != nil {
		return Authentication{&way{fault: err}}
	}
	sum := sha256.Sum256(certificate.Certificate[0])
	k.header["x5t#S256"] = base64url.EncodeToString(sum[:])
	return Authentication{&way{key: k}}
}

// readFile reads a file. Its errors name the file and show nothing of it.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && info.Size() > maxSecretFile {
		return nil, fmt.Errorf("%s has more than %d bytes", path, maxSecretFile)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the credentials of the client: %w", err)
	}
	return text, nil
}

func parseKey(text []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("the file of the key is not PEM")
	}
	for _, parse := range []func([]byte) (any, error){
		x509.ParsePKCS8PrivateKey,
		func(der []byte) (any, error) { return x509.ParsePKCS1PrivateKey(der) },
		func(der []byte) (any, error) { return x509.ParseECPrivateKey(der) },
	} {
		if key, err := parse(block.Bytes); err == nil {
			if signer, ok := key.(crypto.Signer); ok {
				return signer, nil
			}
		}
	}
	return nil, errors.New("the file has no private key in PKCS #8, PKCS #1 or SEC 1")
}

func (a Authentication) check() error {
	if a.way == nil {
		return errors.New("no client authentication: set Client.Authentication, such as upstream.SecretFromEnv")
	}
	return a.way.fault
}

// apply puts the credentials of a client into a token request.
func (a Authentication) apply(c *Client, form url.Values, header http.Header, now time.Time) error {
	w := a.way
	if w.key != nil {
		audience := c.AssertionAudience
		if audience == "" {
			audience = c.TokenEndpoint
		}
		assertion, err := w.key.sign(c.ID, audience, now)
		if err != nil {
			return err
		}
		form.Set("client_id", c.ID)
		form.Set("client_assertion_type", assertionType)
		form.Set("client_assertion", assertion)
		return nil
	}
	secret, err := w.secret()
	switch {
	case err != nil:
		return err
	case w.inForm:
		form.Set("client_id", c.ID)
		form.Set("client_secret", secret)
	default: // both are form-encoded first (RFC 6749, section 2.3.1)
		r := http.Request{Header: header}
		r.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(secret))
	}
	return nil
}
