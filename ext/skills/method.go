package skills

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"path"
	"slices"
	"strings"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/ext/skills/internal/format"
	"github.com/mcpengine/mcpengine/mcp"
)

// maxPageBytes ends a page of skills/list.
const maxPageBytes = 1 << 20

// directory is the media type of a folder (skills, "Directory Resources").
const directory = "inode/directory"

type listParams struct {
	Cursor mcp.Cursor `json:"cursor,omitempty"`
}

type listResult struct {
	Skills     []json.RawMessage `json:"skills"`
	NextCursor mcp.Cursor        `json:"nextCursor,omitempty"`
}

type getParams struct {
	URI string `json:"uri"`
}

type getResult struct {
	Skill json.RawMessage `json:"skill"`
}

type directoryParams struct {
	URI    string     `json:"uri"`
	Cursor mcp.Cursor `json:"cursor,omitempty"`
}

type directoryResult struct {
	Resources  []mcp.Resource `json:"resources"`
	NextCursor mcp.Cursor     `json:"nextCursor,omitempty"`
}

// methods returns the methods of the extension. A client need not declare it:
// the specification asks for a declaration of the server alone.
func (s *server) methods() []mcpengine.Feature {
	opts := []mcpengine.MethodOption{mcpengine.WithoutDeclaration()}
	for _, o := range s.policy {
		opts = append(opts, o)
	}
	cached := append(slices.Clip(opts), mcpengine.Cacheable())
	return []mcpengine.Feature{
		mcpengine.NewMethod(format.MethodList, s.list, cached...),
		mcpengine.NewMethod(format.MethodGet, s.get, cached...),
		mcpengine.NewMethod(format.MethodDirectoryRead, s.readDirectory, opts...),
	}
}

// list answers skills/list. A page begins behind the skill that its cursor
// names, whether or not the skill still exists.
func (s *server) list(ctx context.Context, in listParams) (listResult, error) {
	after, err := parseCursor(in.Cursor)
	if err != nil {
		return listResult{}, err
	}
	v, l := s.view(ctx), s.library.Load()
	out, size := listResult{Skills: []json.RawMessage{}}, 0
	last := ""
	for _, e := range l.order {
		if e.path <= after || slices.Contains(s.unlisted, e.path) || !v.sees(e.path) {
			continue
		}
		size += len(e.wire)
		if n := len(out.Skills); n == s.pageSize || n > 0 && size > maxPageBytes {
			out.NextCursor = newCursor(last)
			break
		}
		out.Skills, last = append(out.Skills, e.wire), e.path
	}
	return out, nil
}

// get answers skills/get.
func (s *server) get(ctx context.Context, in getParams) (getResult, error) {
	name, err := pathOf(in.URI)
	if err == nil && path.Base(name) == format.FileName {
		root := path.Dir(name)
		if e := s.library.Load().skills[root]; e != nil && s.view(ctx).sees(root) {
			return getResult{e.wire}, nil
		}
	}
	return getResult{}, mcp.Errorf(mcp.CodeInvalidParams, "No skill is served at %.256s", in.URI)
}

// readDirectory answers resources/directory/read.
func (s *server) readDirectory(ctx context.Context, in directoryParams) (directoryResult, error) {
	after, err := parseCursor(in.Cursor)
	if err != nil {
		return directoryResult{}, err
	}
	v, l := s.view(ctx), s.library.Load()
	name, err := pathOf(in.URI)
	if err != nil || !v.seesPart(l, name) || l.folders[name] == nil && l.files[name] == nil {
		return directoryResult{}, mcp.Errorf(mcp.CodeInvalidParams, "There is no directory %.256s", in.URI)
	}
	if l.files[name] != nil {
		return directoryResult{}, mcp.Errorf(mcp.CodeInvalidParams, "%.256s is not a directory resource", in.URI)
	}
	out, last := directoryResult{Resources: []mcp.Resource{}}, ""
	for _, child := range l.folders[name] {
		if child <= after || !v.seesPart(l, child) {
			continue
		}
		if len(out.Resources) == s.pageSize {
			out.NextCursor = newCursor(last)
			break
		}
		out.Resources, last = append(out.Resources, l.resource(child)), child
	}
	return out, nil
}

// resource returns the metadata of a file or folder.
func (l *library) resource(name string) mcp.Resource {
	f := l.files[name]
	if f == nil {
		return mcp.Resource{URI: format.URI(name), Name: path.Base(name), MIMEType: directory}
	}
	return mcp.Resource{URI: f.uri(), Name: f.name, Description: f.description, MIMEType: f.mimeType}
}

// pathOf returns the path of a skill:// URI, however its characters are escaped.
func pathOf(uri string) (string, error) {
	if scheme, _, _ := strings.Cut(uri, "://"); !strings.EqualFold(scheme, "skill") {
		return "", mcp.Errorf(mcp.CodeInvalidParams, "not a URI of the scheme skill")
	}
	return format.FilePath(uri)
}

// A cursor names the last entry of the page before, so that it stays good when
// entries come and go. It opens nothing that the caller may not see.
func newCursor(last string) mcp.Cursor {
	return mcp.Cursor(base64.RawURLEncoding.EncodeToString([]byte(last)))
}

func parseCursor(c mcp.Cursor) (after string, err error) {
	decoded, err := base64.RawURLEncoding.DecodeString(string(c))
	if err != nil {
		return "", mcp.Errorf(mcp.CodeInvalidParams, "The cursor was not made by this method")
	}
	return string(decoded), nil
}

// A view is what one caller sees.
type view struct {
	closed []string // paths that are restricted and closed to the caller
}

func (s *server) view(ctx context.Context) view {
	var v view
	for _, r := range s.restrictions {
		user := auth.UserFrom(ctx)
		if slices.ContainsFunc(r.rules, func(rule auth.Rule) bool { return rule.Check(ctx, user) != nil }) {
			v.closed = append(v.closed, r.path)
		}
	}
	return v
}

// sees reports whether the caller may see a skill, or a file or folder in it.
func (v view) sees(name string) bool {
	return !slices.ContainsFunc(v.closed, func(closed string) bool { return within(name, closed) })
}

// seesPart reports whether the caller may see a file or folder, which may be
// above skills, or anything in it.
func (v view) seesPart(l *library, name string) bool {
	if len(v.closed) == 0 || l.files[name] != nil {
		return v.sees(name)
	}
	return slices.ContainsFunc(below(l.names, name), v.sees)
}
