package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/mcpengine/mcpengine/internal/manifest"
)

// A State is how a check has ended.
type State string

// The states. What could not be asked is no fault.
const (
	OK      State = "ok"
	Fault   State = "fault"
	Unasked State = "not asked"
)

// A Check is one rule of the registry, and whether the file follows it.
type Check struct {
	Rule   string
	State  State
	Detail string
}

// Check makes the checks that need nobody else.
func (s *Server) Check(m *manifest.Manifest) []Check {
	var all []Check
	add := func(ok bool, rule, good, bad string) {
		if ok {
			all = append(all, Check{rule, OK, good})
		} else {
			all = append(all, Check{rule, Fault, bad})
		}
	}
	text, err := m.Encode()
	if err == nil {
		_, err = manifest.Parse(text) // flags have added what no file had
	}
	add(err == nil, "the rules of names, versions and URLs", "every member follows them", oneLine(err))
	n := utf8.RuneCountInString(s.Description)
	add(n > 0 && n <= 100, "the description has 1 to 100 characters", fmt.Sprint("it has ", n), fmt.Sprint("it has ", n))
	add(len(s.Packages)+len(s.Remotes) > 0, "there is something to connect to",
		fmt.Sprintf("packages: %d, remotes: %d", len(s.Packages), len(s.Remotes)),
		"give --mcpb, --image or --deployed, or write packages or remotes into "+manifest.FileName)
	for i := range s.Packages {
		switch p := &s.Packages[i]; p.RegistryType {
		case "mcpb":
			add(p.FileSHA256 != "", "the bundle has a fileSha256", p.Identifier, p.Identifier+" has none: give its file with --mcpb")
		case "oci":
		default:
			add(p.Version != "", "the package has a version", p.Identifier+" "+p.Version, p.Identifier+" has none")
		}
	}
	return all
}

func oneLine(err error) string {
	if err == nil {
		return ""
	}
	return strings.ReplaceAll(err.Error(), "\n", "; ")
}

// Ask makes the checks for which the registry, the images and the bundles are asked.
// It publishes nothing.
func (c *Client) Ask(ctx context.Context, s *Server) []Check {
	all := []Check{c.unpublished(ctx, s), c.valid(ctx, s)}
	for i := range s.Packages {
		switch p := &s.Packages[i]; p.RegistryType {
		case "mcpb":
			all = append(all, verdict("the bundle at its URL has that digest", p.Identifier, c.bundle(ctx, p)))
		case "oci":
			all = append(all, verdict("the image has the label "+manifest.ImageLabel, p.Identifier, c.image(ctx, s.Name, p)))
		}
	}
	return all
}

// errUnasked marks the error of a check that could not be made.
var errUnasked = errors.New("not asked")

func verdict(rule, good string, err error) Check {
	switch {
	case err == nil:
		return Check{rule, OK, good}
	case errors.Is(err, errUnasked):
		return Check{rule, Unasked, oneLine(err)}
	}
	return Check{rule, Fault, oneLine(err)}
}

// unpublished checks that the version is new: a published one never changes.
func (c *Client) unpublished(ctx context.Context, s *Server) Check {
	const rule = "the version has not been published"
	switch status, err := c.version(ctx, s.Name, s.Version); {
	case err != nil:
		return Check{rule, Unasked, oneLine(err)}
	case status == http.StatusNotFound:
		return Check{rule, OK, s.Version + " is new"}
	case status == http.StatusOK:
		return Check{rule, Fault, s.Version + " is published, and a published version never changes: publish another one"}
	default:
		return Check{rule, Unasked, fmt.Sprintf("%s answers with status %d", c.URL, status)}
	}
}

// valid has the registry itself check the file.
func (c *Client) valid(ctx context.Context, s *Server) Check {
	const rule = "the registry finds the file valid"
	issues, err := c.validate(ctx, s)
	switch {
	case err != nil:
		return Check{rule, Unasked, oneLine(err)}
	case len(issues) > 0:
		return Check{rule, Fault, strings.Join(issues, "; ")}
	}
	return Check{rule, OK, c.URL}
}

// bundle compares the digest of a bundle with what is at its URL.
func (c *Client) bundle(ctx context.Context, p *manifest.Package) error {
	ctx, cancel := context.WithTimeout(ctx, download)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.Identifier, nil)
	if err != nil {
		return err
	}
	resp, err := (&http.Client{Transport: c.Transport}).Do(req)
	if err != nil {
		return fmt.Errorf("%w: %w", errUnasked, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers with status %d: upload the bundle before its entry is published", p.Identifier, resp.StatusCode)
	}
	switch got, err := digest(resp.Body); {
	case errors.Is(err, errTooLarge):
		return fmt.Errorf("%s: %w", p.Identifier, err)
	case err != nil:
		return fmt.Errorf("%w: read %s: %w", errUnasked, p.Identifier, err)
	case got != p.FileSHA256:
		return fmt.Errorf("%s has the digest %s, and not %s", p.Identifier, got, p.FileSHA256)
	}
	return nil
}

// image reads the label of an image, as the registry does: without credentials.
func (c *Client) image(ctx context.Context, server string, p *manifest.Package) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ref, err := name.ParseReference(p.Identifier)
	if err != nil {
		return err
	}
	options := []remote.Option{remote.WithAuth(authn.Anonymous), remote.WithContext(ctx)}
	if c.Transport != nil {
		options = append(options, remote.WithTransport(c.Transport))
	}
	image, err := remote.Image(ref, options...)
	if err != nil {
		return fmt.Errorf("%w: %w", errUnasked, err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		return fmt.Errorf("%w: %w", errUnasked, err)
	}
	if got := config.Config.Labels[manifest.ImageLabel]; got != server {
		return fmt.Errorf("the label of %s is %q, and not %q: write LABEL %s=%q into its Dockerfile", p.Identifier, got, server, manifest.ImageLabel, server)
	}
	return nil
}
