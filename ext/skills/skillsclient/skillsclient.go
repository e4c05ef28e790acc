// Package skillsclient lists, gets and reads the Agent Skills of any server that
// has the extension io.modelcontextprotocol/skills, over a client of package
// client. Whatever it returns has passed the checks that the specification
// demands of a host, and no file is read before it is asked for.
//
//	for s, err := range skillsclient.List(ctx, c) {
//		// show s.Name and s.Description to the model
//	}
//	text, err := skillsclient.Read(ctx, c, s, s.URI) // when the model wants it
//
// A skill is untrusted input from the server that serves it. A host must not run
// anything on behalf of a skill, or grant it permissions, without the consent of
// its user, and must tell the model where a skill comes from.
package skillsclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/ext/skills/internal/format"
	"github.com/mcpengine/mcpengine/ext/skills/skill"
	"github.com/mcpengine/mcpengine/mcp"
)

// ID is the identifier of the extension.
const ID = format.ID

// ErrDynamic is wrapped by the error of [Read] for a skill whose content cannot be
// verified.
var ErrDynamic = errors.New("the server makes the skill's content for each request, so that it cannot be verified")

// ErrNotOffered is wrapped by the errors for a server without the extension.
var ErrNotOffered = errors.New("the server does not offer skills")

// Bounds of a listing.
const (
	maxPages  = 1000
	maxSkills = 100_000
)

// do sends a request of the extension.
func do[Out any](ctx context.Context, c *client.Client, method string, params any, opts []client.CallOption) (Out, error) {
	return client.Do[Out](ctx, c, method, params, append([]client.CallOption{client.Declare(ID, nil), client.Idempotent()}, opts...)...)
}

type listParams struct {
	Cursor mcp.Cursor `json:"cursor,omitempty"`
}

type listResult struct {
	Skills     []json.RawMessage `json:"skills"`
	NextCursor mcp.Cursor        `json:"nextCursor"`
}

// List returns the skills that the server lists, page by page. A server may list
// none or a part of its skills: [Get] finds a skill by its URI. An entry that
// breaks a rule of the specification comes with an error and must not be loaded;
// the iteration goes on behind it. An error without a skill ends the iteration.
func List(ctx context.Context, c *client.Client, opts ...client.CallOption) iter.Seq2[*skill.Skill, error] {
	return func(yield func(*skill.Skill, error) bool) {
		if err := offered(c); err != nil {
			yield(nil, err)
			return
		}
		var params listParams
		for pages, listed := 1, 0; ; pages++ {
			r, err := do[listResult](ctx, c, format.MethodList, params, opts)
			if listed += len(r.Skills); err == nil && (pages > maxPages || listed > maxSkills) {
				err = fmt.Errorf("the list has more than %d pages or %d entries", maxPages, maxSkills)
			}
			if err == nil && r.NextCursor != "" && r.NextCursor == params.Cursor {
				err = errors.New("a page leads to itself")
			}
			if err != nil {
				yield(nil, fmt.Errorf("%s: %w", format.MethodList, err))
				return
			}
			for _, raw := range r.Skills {
				if !yield(decode(raw)) {
					return
				}
			}
			if params.Cursor = r.NextCursor; params.Cursor == "" {
				return
			}
		}
	}
}

// decode returns a skill, also when it breaks a rule, which the error says.
func decode(raw json.RawMessage) (*skill.Skill, error) {
	s := new(skill.Skill)
	if err := json.Unmarshal(raw, s); err != nil {
		return s, fmt.Errorf("decode the entry of a skill: %w", err)
	}
	return s, s.Check()
}

// Get returns the skill whose SKILL.md has that URI, whether or not the server
// lists it. It returns an error if the entry breaks a rule of the specification.
func Get(ctx context.Context, c *client.Client, uri string, opts ...client.CallOption) (*skill.Skill, error) {
	if err := offered(c); err != nil {
		return nil, err
	}
	r, err := do[struct {
		Skill json.RawMessage `json:"skill"`
	}](ctx, c, format.MethodGet, map[string]string{"uri": uri}, opts)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", format.MethodGet, uri, err)
	}
	s, err := decode(r.Skill)
	switch {
	case err != nil:
		return nil, err
	case s.URI != uri:
		return nil, fmt.Errorf("%s %s: the server answers with the skill %.128s", format.MethodGet, uri, s.URI)
	}
	return s, nil
}

// Read returns the content of a file of the skill, its SKILL.md or another of its
// Resources, after it has verified size and digest, and of a SKILL.md the
// frontmatter. The skill stays the one that the caller holds, so that a file
// which the server has added or changed since is an error that wraps
// [skill.ErrVerification]: [Get] the skill again, and ask the user again where its
// files differ. The error for a dynamic skill wraps [ErrDynamic].
func Read(ctx context.Context, c *client.Client, s *skill.Skill, uri string, opts ...client.CallOption) ([]byte, error) {
	if s.Dynamic {
		return nil, fmt.Errorf("read %s: %w", uri, ErrDynamic)
	}
	return read(ctx, c, s, uri, opts)
}

// InsecureReadDynamic is [Read] for a dynamic skill, too. The server may answer with
// different content each time, and only the frontmatter of the SKILL.md is
// compared. It reads up to 16 MiB.
func InsecureReadDynamic(ctx context.Context, c *client.Client, s *skill.Skill, uri string, opts ...client.CallOption) ([]byte, error) {
	return read(ctx, c, s, uri, opts)
}

func read(ctx context.Context, c *client.Client, s *skill.Skill, uri string, opts []client.CallOption) ([]byte, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	if !s.Dynamic && s.Resource(uri) == nil {
		return nil, fmt.Errorf("read %s: %w: the skill's entry does not list this file", uri, skill.ErrVerification)
	}
	content, err := fetch(ctx, c, uri, opts)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", uri, err)
	}
	err = s.Verify(uri, content)
	if err == nil {
		return content, nil
	}
	// The client may have kept the content since before the entry changed.
	if content, err = fetch(ctx, c, uri, append(slices.Clip(opts), client.Fresh())); err != nil {
		return nil, fmt.Errorf("read %s: %w", uri, err)
	}
	if err := s.Verify(uri, content); err != nil {
		return nil, fmt.Errorf("read %w", err)
	}
	return content, nil
}

// fetch returns the content of a resource, unverified.
func fetch(ctx context.Context, c *client.Client, uri string, opts []client.CallOption) ([]byte, error) {
	r, err := c.ReadResource(ctx, uri, opts...)
	switch {
	case err != nil:
		return nil, err
	case len(r.Contents) != 1:
		return nil, fmt.Errorf("the server answers with %d contents, where a file has one", len(r.Contents))
	}
	contents := r.Contents[0]
	content := contents.Blob
	if content == nil {
		content = []byte(contents.Text)
	}
	if len(content) > format.MaxBytes {
		return nil, fmt.Errorf("the file has %d bytes: a skill has %d at most", len(content), format.MaxBytes)
	}
	return content, nil
}

type directoryParams struct {
	URI    string     `json:"uri"`
	Cursor mcp.Cursor `json:"cursor,omitempty"`
}

// ReadDirectory returns the files and folders in a folder as the server has them
// now; folders have the media type inode/directory. For a skill with Resources the
// entry says all that counts: a file that only the folder has must not be read.
func ReadDirectory(ctx context.Context, c *client.Client, uri string, opts ...client.CallOption) iter.Seq2[mcp.Resource, error] {
	return func(yield func(mcp.Resource, error) bool) {
		fail := func(err error) { yield(mcp.Resource{}, fmt.Errorf("%s %s: %w", format.MethodDirectoryRead, uri, err)) }
		if err := offersDirectories(c); err != nil {
			fail(err)
			return
		}
		params := directoryParams{URI: uri}
		for pages, listed := 1, 0; ; pages++ {
			r, err := do[struct {
				Resources  []mcp.Resource `json:"resources"`
				NextCursor mcp.Cursor     `json:"nextCursor"`
			}](ctx, c, format.MethodDirectoryRead, params, opts)
			if err != nil {
				fail(err)
				return
			}
			for _, resource := range r.Resources {
				if !yield(resource, nil) {
					return
				}
			}
			before := params.Cursor
			if params.Cursor = r.NextCursor; params.Cursor == "" {
				return
			}
			if listed += len(r.Resources); pages == maxPages || listed > maxSkills || params.Cursor == before {
				fail(fmt.Errorf("the list has more than %d pages or %d entries, or a page leads to itself", maxPages, maxSkills))
				return
			}
		}
	}
}

// offered returns an error unless the server declares the extension (skills,
// "Capability Negotiation").
func offered(c *client.Client) error {
	if _, ok := c.Capabilities().Extensions[ID]; !ok {
		return ErrNotOffered
	}
	return nil
}

func offersDirectories(c *client.Client) error {
	var settings struct {
		DirectoryRead bool `json:"directoryRead"`
	}
	if err := offered(c); err != nil {
		return err
	}
	if json.Unmarshal(c.Capabilities().Extensions[ID], &settings) != nil || !settings.DirectoryRead {
		return errors.New("the server does not list folders")
	}
	return nil
}
