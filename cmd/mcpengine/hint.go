package main

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/hostconfig"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/profile"
	"github.com/mcpengine/mcpengine/internal/bridge"
	"github.com/mcpengine/mcpengine/internal/oauth"
	"github.com/mcpengine/mcpengine/internal/peer"
)

// A hintError is an error with a hint for the user.
type hintError struct {
	error
	hint string
}

func (e hintError) Unwrap() error { return e.error }

// hintOf returns what the user can do about an error, or "". All hints are made
// here or come with the error.
func (c *cli) hintOf(err error) string {
	var known interface {
		error
		Hint() string
	}
	switch {
	case errors.As(err, &known):
		return known.Hint()
	case errors.As(err, new(hintError)):
		e, _ := errors.AsType[hintError](err)
		return e.hint
	case errors.Is(err, profile.ErrInTheClear):
		return "use https; or, where the network is trusted, --" + insecureHTTP
	case isAuth(err):
		return c.authHint(err)
	case errors.As(err, new(relayError)):
		return bridge.Hint(err)
	}
	return cmp.Or(deploy.Hint(err), hostconfig.Hint(err), remoteHint(err))
}

// authHint returns what to do about missing or refused credentials. It depends on
// the server, its profile and its challenge.
func (c *cli) authHint(err error) string {
	var login string
	if c.named != nil {
		login = "mcpengine auth login " + c.named.reference()
	}
	status, scopes := refusal(err)
	switch {
	case errors.Is(err, oauth.ErrMixUp):
		return "ask the operator of the authorization server to send iss (RFC 9207), or, if you trust it as it is, sign in with --" + insecureNoIssuer
	case errors.Is(err, oauth.ErrNoPKCE):
		return "ask the operator of the authorization server to announce PKCE, or accept that an intercepted code can be used, with --" + insecureNoPKCE
	case oauthCode(err) == "invalid_target":
		return "give the provider's name for the server, or the word none, with --" + insecureResource + "; the token may then be good for other servers too"
	case errors.Is(err, oauth.ErrNoDocument):
		return "publish a client id metadata document, and name it with --" + clientMetadata + "; or register a client with the authorization server, and name it with --client-id"
	case errors.Is(err, oauth.ErrRegistration):
		return "register a client with the authorization server, and name it with --client-id"
	case c.named != nil && c.named.hasCredential():
		return "the server refuses the credentials in the headers: send others"
	case status == http.StatusForbidden && scopes != "":
		return "sign in with the scopes that the request needs: " + login + " --scope " + scopes
	case status == http.StatusForbidden:
		return "the signed-in user may not do this: ask the server's operator, or sign in as another user with " + login
	case status == 0 && !errors.Is(err, errSignIn) && !errors.Is(err, errNobody):
		return "ask the server's operator" // signing in has failed
	}
	return "sign in with " + login + ", or send credentials with --header"
}

// oauthCode returns the error code of an authorization server, or "".
func oauthCode(err error) string {
	if e, ok := errors.AsType[*oauth.Error](err); ok {
		return e.Code
	}
	if e, ok := errors.AsType[*client.OAuthError](err); ok {
		return e.Code
	}
	return ""
}

// refusal returns the status with which a server wants other credentials, and the
// scopes that it asks for, as flags take them. The status is 0 for another error.
func refusal(err error) (status int, scopes string) {
	var asked []string
	if e, ok := errors.AsType[*client.AuthError](err); ok {
		status = e.Status
		for _, challenge := range e.Challenges {
			asked = append(asked, challenge.Params["scope"])
		}
	}
	if e, ok := errors.AsType[*peer.AuthError](err); ok { // of a bridge
		status = e.Status
		for _, challenge := range e.Challenges {
			asked = append(asked, challenge.Params["scope"])
		}
	}
	var words []string
	for scope := range strings.FieldsSeq(strings.Join(asked, " ")) {
		word, ok := spellArgument(scope)
		if !ok {
			return status, "" // it could not be typed
		}
		if !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return status, strings.Join(words, " --scope ")
}

// reference returns the server as a command line names it, unless it may hold a secret.
func (t *target) reference() string {
	if strings.ContainsAny(t.name, "?@") {
		return "URL"
	}
	return t.name
}

// hasCredential reports whether a header identifies the sender.
func (t *target) hasCredential() bool {
	for _, h := range t.Headers {
		if strings.EqualFold(h.Name, "Authorization") {
			return true
		}
	}
	return false
}

// remoteHint returns what to do about an error of calling a server, or "".
func remoteHint(err error) string {
	status, _ := errors.AsType[*client.StatusError](err)
	switch {
	case status != nil && status.Status == http.StatusForbidden:
		return "the server, or a proxy in front of it, does not allow this request; ask the server's operator"
	case status != nil && status.Status == http.StatusProxyAuthRequired:
		return "the proxy requires credentials: put them into HTTPS_PROXY or HTTP_PROXY"
	}
	switch exitCode(err) {
	case exitUnreachable:
		if errors.Is(err, client.ErrIdle) {
			return "allow more time with --timeout"
		}
		return "is the server running, and the URL or command right?"
	case exitProtocol:
		return "is it an MCP server? Its URL often ends with /mcp. Does it speak the version of --protocol?"
	}
	return ""
}
