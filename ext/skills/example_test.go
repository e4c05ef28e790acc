package skills_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing/fstest"
	"time"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/auth"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/ext/skills"
	"github.com/mcpengine/mcpengine/ext/skills/skillsclient"
	"github.com/mcpengine/mcpengine/mcptest"
)

// files are the skills of the examples. A program embeds a folder instead.
var files = fstest.MapFS{
	"git-workflow/SKILL.md":    {Data: []byte("---\nname: git-workflow\ndescription: How this team uses Git.\n---\n\nSee rules/branches.md.\n")},
	"git-workflow/branches.md": {Data: []byte("Branches are short-lived.\n")},
	"billing/refunds/SKILL.md": {Data: []byte("---\nname: refunds\ndescription: How customers get their money back.\n---\n\nAsk first.\n")},
}

// resources serves the files and returns the resources of the engine, one a line.
func resources(opts []skills.Option, engine ...mcpengine.Option) string {
	extension, err := skills.New(files, opts...)
	if err != nil {
		return err.Error()
	}
	e := mcpengine.New("acme", append(engine, mcpengine.WithExtension(extension))...)
	defer e.Close()
	c := mcptest.New(e, client.WithHeader("Authorization", "Bearer kx7Tq0Vn2cYw8sLz"))
	defer c.Close()
	var lines []string
	for r, err := range c.Resources(context.Background()) {
		if err != nil {
			return err.Error()
		}
		lines = append(lines, r.URI+" "+r.MIMEType)
	}
	return strings.Join(lines, "\n")
}

func ExampleNew() {
	fmt.Println(resources(nil))
	// Output:
	// skill://billing/refunds/SKILL.md text/markdown
	// skill://git-workflow/SKILL.md text/markdown
	// skill://git-workflow/branches.md text/markdown
}

// The error names all mistakes, each with its line.
func ExampleNew_mistakes() {
	_, err := skills.New(fstest.MapFS{
		"refunds/SKILL.md": {Data: []byte("---\nname: refund\ndescription: Pay: back\n---\n")},
		"reports/SKILL.md": {Data: []byte("---\nname: report\nlicense: MIT\n---\n")},
	})
	fmt.Println(err)
	// Output:
	// skills: refunds/SKILL.md:3: the text "Pay: back" holds ": ", which begins a value: write the whole text in quotes
	// reports/SKILL.md:1: the frontmatter has no description
	// reports/SKILL.md:2: the name is "report" and the folder is "reports": they must be the same
}

// A folder that is not embedded may change while the engine serves.
func ExampleWithPolling() {
	folder, err := os.OpenRoot("skills")
	if err != nil {
		return // there is no such folder here
	}
	defer folder.Close()
	extension, err := skills.New(folder.FS(), skills.WithPolling(10*time.Second), skills.WithLogger(slog.Default()))
	if err != nil {
		slog.Error("read the skills", "error", err)
		return
	}
	if err := mcpengine.New("acme", mcpengine.WithExtension(extension)).Run(context.Background()); err != nil {
		slog.Error("serve", "error", err)
	}
}

func ExampleWithLogger() {
	logger := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	_, err := skills.New(files, skills.WithLogger(logger))
	fmt.Println(err)
	// Output: <nil>
}

// robots are the callers of the examples: one, whose token has no scope.
func robots() mcpengine.Option {
	resource, err := auth.NewResource("https://mcp.example.com/mcp", auth.StaticTokens(map[string]auth.User{
		auth.HashToken("kx7Tq0Vn2cYw8sLz"): {Subject: "nightly", Machine: true, Groups: []string{"operations"}},
	}), auth.OpenDiscovery())
	if err != nil {
		panic(err)
	}
	return mcpengine.WithAuth(resource)
}

func ExampleWithPolicy() {
	fmt.Println(resources([]skills.Option{skills.WithPolicy(mcpengine.RequireScopes("skills"), mcpengine.Hidden())}, robots()))
	// Output:
}

func ExampleRestrict() {
	fmt.Println(resources([]skills.Option{skills.Restrict("billing", auth.InGroup("accounting"))}, robots()))
	// Output:
	// skill://git-workflow/SKILL.md text/markdown
	// skill://git-workflow/branches.md text/markdown
}

// list returns the URIs of the skills that an engine lists.
func list(opts ...skills.Option) string {
	extension, err := skills.New(files, opts...)
	if err != nil {
		return err.Error()
	}
	e := mcpengine.New("acme", mcpengine.WithExtension(extension))
	defer e.Close()
	c := mcptest.New(e)
	defer c.Close()
	var uris []string
	for s, err := range skillsclient.List(context.Background(), c) {
		if err != nil {
			return err.Error()
		}
		uris = append(uris, s.URI)
	}
	return strings.Join(uris, "\n")
}

// A skill that is not listed is got and read by its URI.
func ExampleUnlisted() {
	fmt.Println(list(skills.Unlisted("billing/refunds")))
	// Output: skill://git-workflow/SKILL.md
}

// Clients ask for the next page by themselves.
func ExampleWithPageSize() {
	fmt.Println(list(skills.WithPageSize(1)))
	// Output:
	// skill://billing/refunds/SKILL.md
	// skill://git-workflow/SKILL.md
}
