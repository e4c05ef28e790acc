package skillsclient_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/ext/skills"
	"github.com/mcpengine/mcpengine/ext/skills/internal/format"
	"github.com/mcpengine/mcpengine/ext/skills/skill"
	"github.com/mcpengine/mcpengine/ext/skills/skillsclient"
	"github.com/mcpengine/mcpengine/mcp"
	"github.com/mcpengine/mcpengine/mcptest"
)

const (
	uri     = "skill://refunds/SKILL.md"
	email   = "skill://refunds/examples/email.md"
	refunds = "---\nname: refunds\ndescription: Pay back.\nmetadata: {version: 1.10, tags: [a]}\n---\nAsk first.\n"
)

func quiet() mcpengine.Option { return mcpengine.WithLogger(slog.New(slog.DiscardHandler)) }

func connect(t *testing.T, e *mcpengine.Engine, opts ...client.Option) *client.Client {
	t.Helper()
	c := mcptest.New(e, opts...)
	t.Cleanup(func() { c.Close(); e.Close() })
	return c
}

// folder is the skills of most tests.
func folder() fstest.MapFS {
	return fstest.MapFS{
		"refunds/SKILL.md":          {Data: []byte(refunds)},
		"refunds/examples/email.md": {Data: []byte("Dear customer\n")},
		"refunds/logo.png":          {Data: []byte("\x89PNG\xff")},
		"zebra/SKILL.md":            {Data: []byte("---\nname: zebra\ndescription: Stripes.\n---\n")},
		"zebra/empty":               {},
	}
}

func TestSkillsOfAServer(t *testing.T) {
	for _, version := range []string{"2026-07-28", "2025-11-25", "2025-06-18"} {
		t.Run(version, func(t *testing.T) {
			x, err := skills.New(folder(), skills.WithPageSize(1), skills.Unlisted("zebra"))
			if err != nil {
				t.Fatal(err)
			}
			c := connect(t, mcpengine.New("acme", mcpengine.WithExtension(x)), client.WithProtocolVersion(version))
			all, err := client.Collect(skillsclient.List(t.Context(), c))
			if err != nil || len(all) != 1 {
				t.Fatalf("List: %v, %v", all, err)
			}
			zebra, err := skillsclient.Get(t.Context(), c, "skill://zebra/SKILL.md")
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, s := range append(all, zebra) {
				names = append(names, s.Name+": "+s.Description)
				for _, r := range s.Resources {
					content, err := skillsclient.Read(t.Context(), c, s, r.URI)
					path := strings.TrimPrefix(r.URI, "skill://")
					if err != nil || string(content) != string(folder()[path].Data) {
						t.Errorf("Read(%s) = %q, %v", r.URI, content, err)
					}
				}
			}
			if diff := cmp.Diff([]string{"refunds: Pay back.", "zebra: Stripes."}, names); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			children, err := client.Collect(skillsclient.ReadDirectory(t.Context(), c, all[0].Root()))
			if err != nil || len(children) != 3 || children[1].MIMEType != "inode/directory" {
				t.Errorf("ReadDirectory = %v, %v", children, err)
			}
			_, err = skillsclient.Get(t.Context(), c, "skill://nowhere/SKILL.md")
			if e, ok := errors.AsType[*mcp.Error](err); !ok || e.Code != mcp.CodeInvalidParams {
				t.Errorf("Get of what is not there: %v", err)
			}
		})
	}
}

// Nothing is read before it is asked for (skills, "Lazy Retrieval").
func TestNothingIsPrefetched(t *testing.T) {
	var reads atomic.Int32
	count := func(next mcpengine.MethodHandler) mcpengine.MethodHandler {
		return func(ctx context.Context, r *mcpengine.Request) (mcpengine.Result, error) {
			if strings.HasPrefix(r.Method(), "resources/") {
				reads.Add(1)
			}
			return next(ctx, r)
		}
	}
	x, err := skills.New(folder())
	if err != nil {
		t.Fatal(err)
	}
	c := connect(t, mcpengine.New("acme", mcpengine.WithExtension(x), mcpengine.WithMiddleware(count)))
	all, err := client.Collect(skillsclient.List(t.Context(), c))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := skillsclient.Get(t.Context(), c, all[0].URI); err != nil {
		t.Fatal(err)
	}
	if n := reads.Load(); n != 0 {
		t.Errorf("%d requests for resources", n)
	}
	if _, err := skillsclient.Read(t.Context(), c, all[0], all[0].URI); err != nil || reads.Load() != 1 {
		t.Errorf("Read: %v, %d requests", err, reads.Load())
	}
}

// A tampered is a server that says and serves what a test wants.
type tampered struct {
	pages   []string          // of skills/list: the text of the result
	entry   string            // of skills/get
	content map[string]string // of resources
	asked   []string
}

type object = json.RawMessage

func (s *tampered) engine() *mcpengine.Engine {
	x := mcpengine.Extension{ID: skillsclient.ID, Features: []mcpengine.Feature{
		mcpengine.NewMethod("skills/list", func(_ context.Context, in struct {
			Cursor string `json:"cursor,omitempty"`
		},
		) (object, error) {
			s.asked = append(s.asked, in.Cursor)
			return object(s.pages[min(len(in.Cursor), len(s.pages)-1)]), nil
		}),
		mcpengine.NewMethod("skills/get", func(context.Context, struct {
			URI string `json:"uri"`
		},
		) (object, error) {
			return object(`{"skill":` + s.entry + `}`), nil
		}),
	}}
	e := mcpengine.New("acme", quiet(), mcpengine.WithExtension(x))
	for uri := range s.content {
		mcpengine.AddResource(e, uri, "", func(context.Context, struct{}) ([]mcp.ResourceContents, error) {
			s.asked = append(s.asked, uri)
			var contents []mcp.ResourceContents
			for text := range strings.SplitSeq(s.content[uri], "|") {
				contents = append(contents, mcp.ResourceContents{Text: text})
			}
			return contents, nil
		}, mcpengine.WithCache(time.Hour, mcp.CacheScopePrivate))
	}
	return e
}

// entry returns the entry of refunds.
func entry(t *testing.T, change func(*skill.Skill)) string {
	t.Helper()
	frontmatter, err := skill.ParseFrontmatter([]byte(refunds))
	if err != nil {
		t.Fatal(err)
	}
	s := &skill.Skill{URI: uri, Frontmatter: frontmatter, Resources: []skill.Resource{
		{URI: uri, Digest: format.Digest([]byte(refunds)), Size: int64(len(refunds))},
		{URI: email, Digest: format.Digest([]byte("Dear")), Size: 4},
	}}
	if change != nil {
		change(s)
	}
	encoded, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

func TestReadVerifies(t *testing.T) {
	for _, test := range []struct {
		name, read, content, want string
		change                    func(*skill.Skill)
	}{
		{name: "as it should be"},
		{name: "another file", read: email, content: "Dear"},
		{name: "size", content: refunds + "\n", want: "bytes, and the skill's entry says"},
		{name: "digest", content: strings.Replace(refunds, "Ask", "Pay", 1), want: "has the digest"},
		{name: "file that is not listed", read: "skill://refunds/other", content: "x", want: "does not list this file"},
		{name: "frontmatter", want: `another "description"`, change: func(s *skill.Skill) {
			s.Frontmatter = json.RawMessage(strings.Replace(string(s.Frontmatter), "Pay back.", "Be nice.", 1))
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.read == "" {
				test.read = uri
			}
			if test.content == "" {
				test.content = refunds
			}
			server := &tampered{entry: entry(t, test.change), content: map[string]string{test.read: test.content}}
			c := connect(t, server.engine())
			s, err := skillsclient.Get(t.Context(), c, uri)
			if err != nil {
				t.Fatal(err)
			}
			content, err := skillsclient.Read(t.Context(), c, s, test.read)
			switch {
			case test.want == "" && (err != nil || string(content) != test.content):
				t.Errorf("Read = %q, %v", content, err)
			case test.want != "" && (content != nil || !errors.Is(err, skill.ErrVerification) || !strings.Contains(err.Error(), test.want)):
				t.Errorf("Read = %q, %v, want %q in the error", content, err, test.want)
			}
		})
	}
}

func TestReadOfSeveralContents(t *testing.T) {
	server := &tampered{entry: entry(t, nil), content: map[string]string{uri: "a|b"}}
	c := connect(t, server.engine())
	s, err := skillsclient.Get(t.Context(), c, uri)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := skillsclient.Read(t.Context(), c, s, uri); err == nil || !strings.Contains(err.Error(), "2 contents") {
		t.Errorf("Read: %v", err)
	}
}

// Content that the client has kept is asked for again when the entry is newer.
func TestReadGoesPastTheCache(t *testing.T) {
	server := &tampered{entry: entry(t, nil), content: map[string]string{email: "Dear"}}
	c := connect(t, server.engine(), client.WithLimits(client.Limits{}))
	read := func() error {
		s, err := skillsclient.Get(t.Context(), c, uri)
		if err == nil {
			_, err = skillsclient.Read(t.Context(), c, s, email)
		}
		return err
	}
	if err := errors.Join(read(), read()); err != nil {
		t.Fatal(err)
	}
	server.content[email] = "Hello"
	server.entry = entry(t, func(s *skill.Skill) {
		s.Resources[1].Digest, s.Resources[1].Size = format.Digest([]byte("Hello")), 5
	})
	if err := read(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{email, email}, server.asked); diff != "" {
		t.Errorf("requests: -want +got:\n%s", diff)
	}
}

func TestDynamicSkills(t *testing.T) {
	server := &tampered{
		entry:   entry(t, func(s *skill.Skill) { s.Dynamic = true }),
		content: map[string]string{uri: refunds, email: "anything", "skill://other/x": "x"},
	}
	c := connect(t, server.engine())
	s, err := skillsclient.Get(t.Context(), c, uri)
	if err != nil || !s.Dynamic || s.Resources != nil {
		t.Fatalf("Get = %+v, %v", s, err)
	}
	if _, err := skillsclient.Read(t.Context(), c, s, uri); !errors.Is(err, skillsclient.ErrDynamic) || server.asked != nil {
		t.Errorf("Read: %v; requests %q", err, server.asked)
	}
	for _, u := range []string{uri, email} {
		if content, err := skillsclient.InsecureReadDynamic(t.Context(), c, s, u); err != nil || string(content) != server.content[u] {
			t.Errorf("InsecureReadDynamic(%s) = %q, %v", u, content, err)
		}
	}
	if _, err := skillsclient.InsecureReadDynamic(t.Context(), c, s, "skill://other/x"); !errors.Is(err, skill.ErrVerification) {
		t.Errorf("a file of another skill: %v", err)
	}
}

// A skill that breaks a rule keeps nobody from the others.
func TestListGoesOnBehindBrokenEntries(t *testing.T) {
	good := entry(t, nil)
	server := &tampered{pages: []string{
		`{"skills":[{"uri":"skill://a/SKILL.md"},` + good + `,7,{"uri":1}],"nextCursor":"x"}`,
		`{"skills":[` + good + `]}`,
	}}
	c := connect(t, server.engine())
	var got []string
	for s, err := range skillsclient.List(t.Context(), c) {
		got = append(got, fmt.Sprintf("%s %t", s.URI, err != nil))
	}
	if diff := cmp.Diff([]string{"skill://a/SKILL.md true", uri + " false", " true", " true", uri + " false"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"", "x"}, server.asked); diff != "" {
		t.Errorf("cursors: -want +got:\n%s", diff)
	}
}

func TestListIsBounded(t *testing.T) {
	for _, test := range []struct {
		page, want string
	}{
		{`{"skills":[],"nextCursor":"x"}`, "skills/list: a page leads to itself"},
		{`{"skills":[` + strings.Repeat("1,", 60_000) + `1],"nextCursor":"x"}`, "100000 entries"},
		{`{"skills":{}}`, "decode the result of skills/list"},
		{`[]`, "skills/list"},
	} {
		server := &tampered{pages: []string{`{"skills":[` + strings.Repeat("1,", 50_000) + `1],"nextCursor":"x"}`, test.page}}
		c := connect(t, server.engine())
		var last error
		for s, err := range skillsclient.List(t.Context(), c) {
			if s == nil {
				last = err
			}
		}
		if last == nil || !strings.Contains(last.Error(), test.want) && test.page != "[]" {
			t.Errorf("%.40s: %v, want %q in it", test.page, last, test.want)
		}
	}
}

func TestGetChecksTheAnswer(t *testing.T) {
	for answer, want := range map[string]string{
		entry(t, func(s *skill.Skill) { s.Resources = s.Resources[1:] }): "do not include the SKILL.md",
		strings.ReplaceAll(entry(t, nil), "refunds", "payouts"):          "the server answers with the skill skill://payouts/SKILL.md",
		`null`: "does not end with /SKILL.md",
		`[]`:   "decode the entry of a skill",
	} {
		c := connect(t, (&tampered{entry: answer}).engine())
		if _, err := skillsclient.Get(t.Context(), c, uri); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, want %q in it", answer, err, want)
		}
	}
}

func TestServersWithoutSkills(t *testing.T) {
	c := connect(t, mcpengine.New("acme"))
	for _, err := range skillsclient.List(t.Context(), c) {
		if !errors.Is(err, skillsclient.ErrNotOffered) {
			t.Errorf("List: %v", err)
		}
	}
	if _, err := skillsclient.Get(t.Context(), c, uri); !errors.Is(err, skillsclient.ErrNotOffered) {
		t.Errorf("Get: %v", err)
	}
	for _, err := range skillsclient.ReadDirectory(t.Context(), c, "skill://refunds") {
		if !errors.Is(err, skillsclient.ErrNotOffered) {
			t.Errorf("ReadDirectory: %v", err)
		}
	}
	c = connect(t, (&tampered{}).engine())
	for _, err := range skillsclient.ReadDirectory(t.Context(), c, "skill://refunds") {
		if err == nil || !strings.Contains(err.Error(), "the server does not list folders") {
			t.Errorf("ReadDirectory of a server without directoryRead: %v", err)
		}
	}
}
