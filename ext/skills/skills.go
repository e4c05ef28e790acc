// Package skills serves Agent Skills: folders with instructions for a model,
// which a host loads when they are needed. It is the server's side of the
// extension io.modelcontextprotocol/skills; package
// [github.com/mcpengine/mcpengine/ext/skills/skillsclient] is the other.
//
//	//go:embed skills
//	var files embed.FS
//
//	folder, _ := fs.Sub(files, "skills")
//	extension, err := skills.New(folder)
//	if err != nil {
//		return err
//	}
//	e := mcpengine.New("acme", mcpengine.WithExtension(extension))
//
// A skill is a folder with a file SKILL.md, whose frontmatter has the folder's
// name and a description. The path of the folder is the path of the URI:
// billing/refunds/SKILL.md is skill://billing/refunds/SKILL.md. Every file of a
// skill is a resource of the engine. Files and folders whose names begin with a
// dot are not served, and neither are files outside of skills.
package skills

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/ext/skills/internal/format"
)

// ID is the identifier of the extension.
const ID = format.ID

// An Option adjusts the extension.
type Option func(*server)

// WithPolicy sets who may list, get and read the skills, with the options of any
// feature: mcpengine.Public, RequireScopes, Allow and Hidden. It holds for all
// methods of the extension and all files. Given again, it adds options.
func WithPolicy(opts ...mcpengine.PolicyOption) Option {
	return func(s *server) { s.policy = append(s.policy, opts...) }
}

// Restrict keeps the skills at and below a path, such as "billing", for callers
// that satisfy every one of the rules. For other callers they do not exist.
// Given again for the same path, it adds rules. New returns an error when no
// skill is there, and when the path lies in a skill, whose entry would have to
// leave files out. The engine needs mcpengine.WithAuth.
func Restrict(path string, rules ...auth.Rule) Option {
	return func(s *server) { s.restrictions = append(s.restrictions, restriction{path, slices.Clone(rules)}) }
}

// Unlisted leaves the skills with these paths, such as "billing/refunds", out of
// skills/list. Clients that know the URI of such a skill, perhaps from the
// engine's instructions, get and read it like any other. New returns an error
// when there is no skill with such a path.
func Unlisted(paths ...string) Option {
	return func(s *server) { s.unlisted = append(s.unlisted, paths...) }
}

// WithPageSize sets how many entries a page of skills/list and of
// resources/directory/read holds at most. The default is 100. A page of
// skills/list ends earlier when its entries have 1 MiB. New returns an error
// when n is not positive.
func WithPageSize(n int) Option {
	return func(s *server) { s.pageSize = n }
}

// WithPolling sets how often the modification times of the files are compared
// with the times at the last reading. The default is 2 seconds, and 0 turns polling
// off. Files without modification times, such as embedded files, are never polled.
func WithPolling(interval time.Duration) Option {
	return func(s *server) { s.polling = interval }
}

// WithLogger sets the logger for mistakes in a folder that has changed.
// The default is [slog.Default].
func WithLogger(logger *slog.Logger) Option {
	return func(s *server) { s.logger = logger }
}

// New returns the extension that serves the skills in fsys, for one engine. It
// reads every file once. The error names all mistakes at once, each with its
// file and its line: a SKILL.md without frontmatter or with a name other than
// its folder's, a skill of more than 512 files or 16 MiB, a symbolic link, and
// so on; docs/skills.md has the whole list.
//
// Fsys may be embedded in the program or, as with [os.Root.FS] and [os.DirFS], a
// folder, which is polled for changes: see [WithPolling]. A changed folder with
// a mistake is reported to the logger, and the skills stay as they were.
func New(fsys fs.FS, opts ...Option) (mcpengine.Extension, error) {
	s := &server{fsys: fsys, pageSize: 100, polling: 2 * time.Second, logger: slog.Default()}
	for _, opt := range opts {
		opt(s)
	}
	if s.pageSize <= 0 {
		return mcpengine.Extension{}, fmt.Errorf("skills: WithPageSize(%d): not positive", s.pageSize)
	}
	l, err := s.read(nil)
	if err == nil {
		err = s.checkOptions(l)
	}
	if err != nil {
		return mcpengine.Extension{}, fmt.Errorf("skills: %w", err)
	}
	s.library.Store(l)
	x := mcpengine.Extension{
		ID:       ID,
		Settings: func(string) any { return settings{DirectoryRead: true} },
		Features: s.methods(),
		Start:    s.start,
		Stop:     s.stop,
	}
	for _, path := range l.names {
		x.Features = append(x.Features, s.feature(l.files[path]))
	}
	return x, nil
}

type settings struct {
	DirectoryRead bool `json:"directoryRead"`
}

// checkOptions finds options that name no skill.
func (s *server) checkOptions(l *library) error {
	var errs []error
	for _, path := range s.unlisted {
		if l.skills[path] == nil {
			errs = append(errs, fmt.Errorf("Unlisted(%q): there is no such skill", path))
		}
	}
	for _, r := range s.restrictions {
		switch {
		case len(r.rules) == 0:
			errs = append(errs, fmt.Errorf("Restrict(%q): no rule", r.path))
		case !slices.ContainsFunc(l.order, func(e *entry) bool { return within(e.path, r.path) }):
			errs = append(errs, fmt.Errorf("Restrict(%q): there is no skill at or below this path", r.path))
		}
	}
	return errors.Join(errs...)
}

func (s *server) start(ctx context.Context, e *mcpengine.Engine) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	if s.engine != nil {
		return errors.New("skills: the extension belongs to another engine: make one for each")
	}
	s.engine = e
	if s.polling > 0 && s.library.Load().changes {
		s.done = make(chan struct{})
		go s.poll(ctx)
	}
	return nil
}

// stop waits for the goroutine that polls, whose context has ended.
func (s *server) stop(ctx context.Context) error {
	s.changing.Lock()
	done := s.done
	s.changing.Unlock()
	if done == nil {
		return nil
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
