package skills

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/ext/skills/internal/format"
	"github.com/mcpengine/mcpengine/mcp"
)

// A server is the state behind the extension.
type server struct {
	fsys         fs.FS
	policy       []mcpengine.PolicyOption
	restrictions []restriction
	unlisted     []string
	pageSize     int
	polling      time.Duration
	logger       *slog.Logger

	library atomic.Pointer[library]

	changing sync.Mutex // held while the library is replaced
	engine   *mcpengine.Engine
	done     chan struct{} // closed when polling has ended
	reported string        // the mistakes that the logger knows
	failed   time.Time     // when they were found last
}

// feature returns the resource of a file.
func (s *server) feature(f *file) mcpengine.Feature {
	opts := []mcpengine.ResourceOption{mcpengine.WithName(f.name), mcpengine.WithMIMEType(f.mimeType)}
	for _, o := range s.policy {
		opts = append(opts, o)
	}
	for _, r := range s.restrictions {
		if within(f.path, r.path) {
			opts = append(opts, mcpengine.Allow(r.rules...), mcpengine.Hidden())
		}
	}
	name := f.path
	return mcpengine.NewResource(f.uri(), f.description, func(ctx context.Context, _ struct{}) ([]mcp.ResourceContents, error) {
		return s.readResource(ctx, name)
	}, opts...)
}

// readResource returns the content of a file that the library describes, so that
// it passes the verification of a client that holds the file's digest.
func (s *server) readResource(ctx context.Context, name string) ([]mcp.ResourceContents, error) {
	f, content, err := s.content(name)
	if errors.Is(err, errChanged) && s.refresh(ctx, name) {
		f, content, err = s.content(name)
	}
	if err != nil {
		return nil, err
	}
	c := mcp.ResourceContents{URI: f.uri(), MIMEType: f.mimeType}
	if isText(f.mimeType, content) {
		c.Text = string(content)
	} else {
		c.Blob = content
	}
	return []mcp.ResourceContents{c}, nil
}

// errChanged says that a file is not what the library describes.
var errChanged = errors.New("the file has changed since its digest was computed")

func (s *server) content(name string) (*file, []byte, error) {
	l := s.library.Load()
	f := l.files[name]
	if f == nil {
		return nil, nil, mcpengine.ResourceNotFound(format.URI(name))
	}
	content, err := readFile(s.fsys, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return f, nil, fmt.Errorf("%w: %w", errChanged, err)
	case err != nil:
		return f, nil, err
	case l.changes && format.Digest(content) != f.digest:
		return f, nil, fmt.Errorf("%s: %w", name, errChanged)
	}
	return f, content, nil
}

// poll looks for changes until the context ends.
func (s *server) poll(ctx context.Context) {
	defer close(s.done)
	ticker := time.NewTicker(s.polling)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.refresh(ctx, "")
		}
	}
}

// retry is how long a folder with mistakes is not looked at for a reader.
const retry = time.Second

// refresh reads what has changed in the folder, and reports whether it did. The
// file stale, if there is one, is read whatever its modification time says.
func (s *server) refresh(ctx context.Context, stale string) (ok bool) {
	s.changing.Lock()
	defer s.changing.Unlock()
	if stale != "" && s.reported != "" && time.Since(s.failed) < retry {
		return false
	}
	known := s.library.Load()
	next, err := s.read(known.without(stale))
	if err != nil {
		s.failed = time.Now()
		if s.reported != err.Error() {
			s.logger.WarnContext(ctx, "the folder of skills has mistakes; the skills stay as they were", "error", err)
		}
		s.reported = err.Error()
		return false
	}
	s.reported = ""
	if next == known {
		return true
	}
	if err := s.replace(known, next); err != nil {
		s.logger.ErrorContext(ctx, "replace the resources of skills", "error", err)
		return false
	}
	return true
}

// without returns a library in which a file is not known.
func (l *library) without(name string) *library {
	f := l.files[name]
	if f == nil {
		return l
	}
	w := *l
	w.files = make(map[string]*file, len(l.files))
	for path, f := range l.files {
		if path != name {
			w.files[path] = f
		}
	}
	return &w
}

// replace puts a library in the place of another, and tells the engine which
// resources have come, gone and changed.
func (s *server) replace(old, next *library) error {
	var removed, added []mcpengine.Feature
	var updated []string
	for _, name := range old.names {
		switch f, g := old.files[name], next.files[name]; {
		case g == nil || !f.sameResource(g):
			removed = append(removed, s.feature(f))
		case f.digest != g.digest:
			updated = append(updated, f.uri())
		}
	}
	for _, name := range next.names {
		if f, g := old.files[name], next.files[name]; f == nil || !f.sameResource(g) {
			added = append(added, s.feature(g))
		}
	}
	s.library.Store(next)
	if s.engine == nil {
		return nil
	}
	if len(removed) > 0 {
		s.engine.Remove(removed...)
	}
	if len(added) > 0 {
		if err := s.engine.Add(added...); err != nil {
			return err
		}
	}
	for _, uri := range updated {
		s.engine.ResourceUpdated(uri)
	}
	return nil
}
