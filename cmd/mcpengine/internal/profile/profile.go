// Package profile stores the settings of servers under names. The
// configuration files of hosts hold only such a name, so that no secret is in a file
// that others read, or in a command line.
package profile

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	jsonx "github.com/go-json-experiment/json"

	"github.com/mcpengine/mcpengine/internal/weburl"
)

// A Profile says how to reach an MCP server: a remote one at a URL, or a local one by
// a command.
type Profile struct {
	// URL is where the server is: http, https, or what
	// [ParseFunction] reads. Required unless Command is set.
	URL string `json:"url,omitempty"`
	// Command is the command line of a local server. The fields for remote servers are
	// empty then.
	Command []string `json:"command,omitempty"`
	// Env are variables that the command gets.
	Env map[string]string `json:"env,omitempty"`
	// SecretEnv are the names of variables that the command gets too, and whose values
	// [Store.Environment] has.
	SecretEnv []string `json:"secretEnv,omitempty"`
	// Mode is the transport: auto, http (Streamable HTTP) or sse (HTTP+SSE of
	// 2024-11-05). Default: auto.
	Mode string `json:"mode,omitempty"`
	// Protocol is the only protocol version to speak, such as 2026-07-28.
	// Default: whatever the server speaks.
	Protocol string `json:"protocol,omitempty"`
	// Headers are sent with every request. Optional.
	Headers []Header `json:"headers,omitempty"`
	// InsecureHTTP allows headers to go to another machine in the clear.
	InsecureHTTP bool `json:"insecureHttp,omitempty"`
	// InsecureNoPKCE signs in at an authorization server that does not say that it
	// supports PKCE. Somebody who intercepts a code could then use it.
	InsecureNoPKCE bool `json:"insecureNoPkce,omitempty"`
	// InsecureNoIssuer takes an answer of the browser that does not name its issuer
	// from an authorization endpoint of another origin than the issuer.
	InsecureNoIssuer bool `json:"insecureNoIssuer,omitempty"`
	// InsecureResource is sent to the authorization server in place of the name of
	// the MCP server; "none" sends nothing. The token may then be good for other
	// servers too.
	InsecureResource string `json:"insecureResource,omitempty"`
	// ClientID is the OAuth client id. Default: the client registers itself.
	ClientID string `json:"clientId,omitempty"`
	// ClientMetadata is the https URL of a document that describes this program. It
	// is the client id at authorization servers that read such documents. Optional.
	ClientMetadata string `json:"clientMetadata,omitempty"`
	// ClientSecret says where the OAuth client secret is. Optional.
	ClientSecret *Secret `json:"clientSecret,omitempty"`
	// Scopes are asked for at sign-in. Default: the scopes that the server names.
	Scopes []string `json:"scopes,omitempty"`
	// AWS says that requests are signed for AWS, and how. Optional, and implied
	// by a lambda URL.
	AWS *AWS `json:"aws,omitempty"`
	// Tools says which tools the host gets to see. Default: all.
	Tools Filter `json:"tools,omitzero"`
	// Pin names the lock file that the server must not differ from. Optional.
	Pin *Pin `json:"pin,omitempty"`
	// Timeout is how long a request may take without a sign of progress.
	// Default, and zero: the default of the bridge.
	Timeout Duration `json:"timeout,omitzero"`
	// CAFile holds certificates, in PEM, to trust besides the system's. Optional.
	CAFile string `json:"caFile,omitempty"`
	// CertFile and KeyFile are the client's certificate, in PEM. Both or none.
	CertFile string `json:"certFile,omitempty"`
	KeyFile  string `json:"keyFile,omitempty"`
	// Native has, by host, what the entries that take the place of the bridge are
	// known by: the URL, or the command line.
	Native map[string]string `json:"native,omitempty"`
}

// A Filter chooses tools by name. A tool must pass all of it.
type Filter struct {
	// Allow lists the tools to keep. Default: all.
	Allow []string `json:"allow,omitempty"`
	// Deny lists tools to drop.
	Deny []string `json:"deny,omitempty"`
	// ReadOnly keeps only tools that say they change nothing (readOnlyHint).
	ReadOnly bool `json:"readOnly,omitempty"`
}

// A Pin is the lock file of a server that somebody has approved.
type Pin struct {
	// File is the absolute name of the file, as mcpengine inspect writes it.
	File string `json:"file"`
	// Warn lets what differs pass, with a warning in the log. Otherwise it is hidden.
	Warn bool `json:"warn,omitempty"`
}

// A Secret says where a secret is; exactly one member is set.
type Secret struct {
	// Stored: it was given to [Store.Save], and [Store.Secret] has it.
	Stored bool `json:"stored,omitempty"`
	// File is the absolute name of the file that has it.
	File string `json:"file,omitempty"`
	// Env is the environment variable that has it.
	Env string `json:"env,omitempty"`
}

// A Duration is written as Go writes it: 30s, 5m.
type Duration time.Duration

// MarshalText implements [encoding.TextMarshaler].
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = Duration(v)
	return err
}

// Bounds of a profile.
const (
	maxFile    = 256 << 10
	maxURL     = 8 << 10
	maxEntries = 1000 // of each list
	maxText    = 16 << 10
	maxTimeout = 24 * time.Hour
)

// CheckName refuses a name that is not a file name on every system, or that a host
// would not accept.
func CheckName(name string) error {
	ok := len(name) >= 1 && len(name) <= 64 && name[0] != '-' && name[0] != '_'
	for _, c := range []byte(name) {
		ok = ok && (c == '-' || c == '_' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z')
	}
	if !ok {
		return fmt.Errorf("name %q is not 1 to 64 letters, digits, - and _, with a letter or digit first", name)
	}
	// Windows has devices of these names in every folder.
	device := strings.ToLower(name)
	if slices.Contains([]string{"con", "prn", "aux", "nul"}, device) ||
		len(device) == 4 && (strings.HasPrefix(device, "com") || strings.HasPrefix(device, "lpt")) && '0' <= device[3] && device[3] <= '9' {
		return fmt.Errorf("name %q is a device on Windows", name)
	}
	return nil
}

// Check refuses a profile with contradictions or invalid values.
func (p *Profile) Check() error {
	if p.Command != nil {
		return p.checkCommand()
	}
	if len(p.Env)+len(p.SecretEnv) > 0 {
		return errors.New("variables are for a command")
	}
	if err := checkURL(p.URL); err != nil {
		return err
	}
	if p.Mode != "" && p.Mode != "auto" && p.Mode != "http" && p.Mode != "sse" {
		return fmt.Errorf(`mode %q is not "auto", "http" or "sse"`, p.Mode)
	}
	if p.Protocol != "" {
		if _, err := time.Parse(time.DateOnly, p.Protocol); err != nil {
			return fmt.Errorf("protocol version %q is not a date such as 2026-07-28", p.Protocol)
		}
	}
	if t := time.Duration(p.Timeout); t < 0 || t > maxTimeout {
		return fmt.Errorf("timeout %s is not between 0 and %s", t, maxTimeout)
	}
	if p.Pin != nil && !filepath.IsAbs(p.Pin.File) {
		return fmt.Errorf("the lock file %q of the pin is not an absolute name", p.Pin.File)
	}
	if (p.CertFile == "") != (p.KeyFile == "") {
		return errors.New("a client certificate needs both its file and the file of its key")
	}
	for _, h := range p.Headers {
		if err := h.check(); err != nil {
			return err
		}
	}
	if len(p.Headers) > 0 && !p.InsecureHTTP && inTheClear(p.URL) {
		return ErrInTheClear
	}
	if p.ClientSecret != nil {
		if p.ClientID == "" {
			return errors.New("a client secret needs a client id")
		}
		if err := p.ClientSecret.check(); err != nil {
			return err
		}
	}
	if p.ClientMetadata != "" {
		if _, err := weburl.ParseClientDocument(p.ClientMetadata); err != nil {
			return fmt.Errorf("the client metadata: %w", err)
		}
	}
	if err := p.checkAWS(); err != nil {
		return err
	}
	return p.checkSizes()
}

// checkCommand checks the profile of a local server.
func (p *Profile) checkCommand() error {
	remote := *p
	remote.Command, remote.Env, remote.SecretEnv, remote.Native, remote.Timeout, remote.Protocol = nil, nil, nil, nil, 0, ""
	switch {
	case len(p.Command) == 0 || p.Command[0] == "":
		return errors.New("the command is empty")
	case !reflect.DeepEqual(remote, Profile{}):
		return errors.New("a server is at a URL or is a command, and not both")
	case len(p.Command) > maxEntries || len(p.Env) > maxEntries || len(p.SecretEnv) > maxEntries:
		return fmt.Errorf("a list of more than %d entries", maxEntries)
	}
	for _, name := range append(slices.Sorted(maps.Keys(p.Env)), p.SecretEnv...) {
		if name == "" || strings.ContainsAny(name, "=\x00") {
			return fmt.Errorf("%q is not the name of a variable", name)
		}
	}
	return nil
}

// ErrInTheClear says that headers, which often hold secrets, would go to another
// machine without encryption.
var ErrInTheClear = errors.New("headers would go to another machine in the clear, where anybody on the way can read them")

func inTheClear(rawURL string) bool {
	u, err := url.Parse(rawURL)
	return err == nil && u.Scheme == "http" && !weburl.Secure(u)
}

func (p *Profile) checkSizes() error {
	if len(p.Headers) > maxEntries {
		return fmt.Errorf("more than %d headers", maxEntries)
	}
	if len(p.Native) > maxEntries {
		return fmt.Errorf("more than %d hosts", maxEntries)
	}
	for _, list := range [][]string{p.Scopes, p.Tools.Allow, p.Tools.Deny} {
		if len(list) > maxEntries {
			return fmt.Errorf("a list of more than %d entries", maxEntries)
		}
	}
	// A scope is one word (RFC 6749, section 3.3).
	for _, scope := range p.Scopes {
		if scope == "" || strings.ContainsAny(scope, " \"\\\t\r\n") {
			return fmt.Errorf("scope %q is not one word", scope)
		}
	}
	return nil
}

func checkURL(s string) error {
	if len(s) > maxURL {
		return fmt.Errorf("the URL has more than %d bytes", maxURL)
	}
	if IsLambda(s) {
		_, err := ParseFunction(s)
		return err
	}
	u, err := url.Parse(s)
	if err != nil {
		// The error of the library repeats the URL, which may hold a secret.
		return errors.New("the URL does not parse")
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return errors.New("the URL is not one of http, https or lambda with a host")
	}
	if u.User != nil {
		return errors.New("the URL has a user name or password; send them with a header")
	}
	if u.Fragment != "" {
		return errors.New("the URL has a fragment")
	}
	return nil
}

func (s *Secret) check() error {
	n := 0
	for _, set := range []bool{s.Stored, s.File != "", s.Env != ""} {
		if set {
			n++
		}
	}
	if n != 1 {
		return errors.New("a secret is at exactly one of stored, file and env")
	}
	return nil
}

// Decode reads a profile from its file. Unknown members are refused: one that
// is misspelt would otherwise be a filter that filters nothing.
func Decode(data []byte) (*Profile, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("the profile has more than %d KiB", maxFile>>10)
	}
	var p Profile
	if err := jsonx.Unmarshal(data, &p, jsonx.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("decode profile: %w", err)
	}
	if err := p.Check(); err != nil {
		return nil, err
	}
	return &p, nil
}

// Encode writes a profile as its file has it.
func Encode(p *Profile) ([]byte, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	data, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode profile: %w", err)
	}
	if len(data) >= maxFile {
		return nil, fmt.Errorf("the profile has more than %d KiB", maxFile>>10)
	}
	return append(data, '\n'), nil
}
