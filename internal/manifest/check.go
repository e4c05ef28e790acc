package manifest

import (
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/mcpengine/mcpengine/internal/weburl"
)

// The forms of values, as regular expressions. They are compiled where they are used,
// because a server that has no card should not compile them at its start.
const (
	// The schema allows more: the registry wants a letter or digit at both ends.
	serverName = `^[a-zA-Z0-9][a-zA-Z0-9.-]*[a-zA-Z0-9]/[a-zA-Z0-9][a-zA-Z0-9._-]*[a-zA-Z0-9]$`

	subfolder = `^[a-zA-Z0-9_./-]+$`
	variable  = `\{([^}]*)\}`

	// A version of this form names more than one version.
	versionRange = `^\s*[\^~<>=]|\s-\s|\|\||^v?([0-9]+\.)*[xX*](\.|$)`

	onGitHub = `^https://(www\.)?github\.com/[\w.-]+/[\w.-]+/?$`
	onGitLab = `^https://(www\.)?gitlab\.com/[\w.-]+(/[\w.-]+)+/?$`

	// Where the registry takes a bundle from: an asset of a release.
	asset = `^https://(www\.)?(github\.com/[^/]+/[^/]+/releases/download/[^/]+/[^/]+` +
		`|gitlab\.com/.+/-/(releases/[^/]+/downloads/[^/]+|package_files/[0-9]+/download))$`
)

func matches(form, text string) bool { return regexp.MustCompile(form).MatchString(text) }

// checks collects faults.
type checks struct{ faults []error }

func (c *checks) fault(place, format string, args ...any) {
	c.faults = append(c.faults, fmt.Errorf("%s: %s", place, fmt.Sprintf(format, args...)))
}

func (c *checks) text(place, text string) {
	if text != "" && strings.TrimSpace(text) == "" {
		c.fault(place, "must be more than white space")
	}
}

func (c *checks) version(place, version string) {
	if version == "latest" || matches(versionRange, version) {
		c.fault(place, "must be one version, such as 1.2.3, got %q", version)
	}
}

func (c *checks) https(place, address string) {
	if address == "" {
		return
	}
	if u, err := weburl.Parse(strings.SplitN(address, "#", 2)[0]); err != nil || u.Scheme != "https" {
		c.fault(place, "must be an https URL, got %q", address)
	}
}

func (c *checks) icon(place, src string) {
	if strings.Contains(src, ":") {
		c.https(place, src)
		return
	}
	if !isClean(src) {
		c.fault(place, "must be an https URL or a path relative to the file, got %q", src)
	}
}

// isClean reports whether a path leads from a folder into it, in the one spelling.
func isClean(p string) bool {
	return path.Clean(p) == p && p != "." && p != ".." && !path.IsAbs(p) && !strings.HasPrefix(p, "../") && !strings.Contains(p, `\`)
}

func (c *checks) repository(r *Repository) {
	source := r.Host()
	switch {
	case source == "" || r.Source != "" && r.Source != source || strings.Contains(r.URL+"/", "/-/"):
		c.fault("repository.url", "must be a repository such as https://github.com/acme/weather, on the host that source names, got %q", r.URL)
	case r.Subfolder != "" && (!isClean(r.Subfolder) || !matches(subfolder, r.Subfolder)):
		c.fault("repository.subfolder", "must be a path from the root of the repository, such as cmd/server, got %q", r.Subfolder)
	}
}

// Host returns the source that the URL of the repository tells, or "".
func (r *Repository) Host() string {
	switch {
	case matches(onGitHub, r.URL):
		return "github"
	case matches(onGitLab, r.URL):
		return "gitlab"
	}
	return ""
}

func (c *checks) remote(place string, t *Transport) {
	if t.Type == "stdio" {
		c.fault(place+".type", "must be streamable-http or sse")
		return
	}
	var known []string
	for name := range t.Variables {
		known = append(known, name)
	}
	u := c.template(place+".url", t.URL, known)
	if u != nil && (u.Scheme != "https" || isLocal(u.Hostname())) {
		c.fault(place+".url", "must be an https URL that others reach, got %q", t.URL)
	}
}

func isLocal(host string) bool {
	return weburl.IsLoopback(host) || strings.HasSuffix(host, ".localhost")
}

// template checks a URL with variables, and returns it with something for each.
func (c *checks) template(place, address string, known []string) *url.URL {
	variables := regexp.MustCompile(variable)
	for _, found := range variables.FindAllStringSubmatch(address, -1) {
		if !slices.Contains(known, found[1]) {
			c.fault(place, "names the variable {%s}, which nothing declares", found[1])
			return nil
		}
	}
	u, err := weburl.Parse(variables.ReplaceAllString(address, "1"))
	if err != nil {
		c.fault(place, "must be a URL such as https://mcp.example.com/mcp, got %q", address)
	}
	return u
}

// pack checks a package, with what the registry's own checks of each type refuse.
func (c *checks) pack(place string, p *Package) {
	c.version(place+".version", p.Version)
	c.https(place+".registryBaseUrl", p.RegistryBaseURL)
	switch p.RegistryType {
	case "oci":
		if p.Version != "" || p.FileSHA256 != "" || p.RegistryBaseURL != "" {
			c.fault(place, "an image has no version, fileSha256 or registryBaseUrl: identifier is all of it, such as ghcr.io/acme/weather:1.2.3")
		}
	case "mcpb":
		if p.RegistryBaseURL != "" {
			c.fault(place+".registryBaseUrl", "a bundle has none: identifier is its URL")
		}
		if !matches(asset, p.Identifier) || !strings.Contains(strings.ToLower(p.Identifier), "mcp") {
			c.fault(place+".identifier", `must be the URL of an asset of a GitHub or GitLab release with "mcp" in it, got %q`, p.Identifier)
		}
	}
	known := c.arguments(place+".runtimeArguments", p.RuntimeArguments)
	known = append(known, c.arguments(place+".packageArguments", p.PackageArguments)...)
	for _, e := range p.EnvironmentVariables {
		known = append(known, e.Name)
	}
	switch {
	case p.Transport.Type != "stdio":
		c.template(place+".transport.url", p.Transport.URL, known)
	case p.Transport.URL != "":
		c.fault(place+".transport.url", "stdio has none")
	}
}

// arguments checks the arguments of a command and returns the names of their values.
func (c *checks) arguments(place string, args []Argument) (names []string) {
	for i, a := range args {
		at := fmt.Sprintf("%s[%d]", place, i)
		switch {
		case a.Type == "named" && (a.Name == "" || strings.ContainsAny(a.Name, "<> $")):
			c.fault(at+".name", "must be the flag alone, such as --port, got %q", a.Name)
		case a.Type == "named" && (strings.HasPrefix(a.Value, a.Name) || strings.HasPrefix(a.Default, a.Name)):
			c.fault(at, "the value begins with the flag %s, which clients put before it", a.Name)
		case a.Type == "positional" && a.Value == "" && a.ValueHint == "":
			c.fault(at, "a positional argument needs a value or a valueHint")
		}
		names = append(names, a.Name, a.ValueHint)
	}
	return names
}
