package skillsclient_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/ext/skills"
	"github.com/mcpengine/mcpengine/ext/skills/skill"
	"github.com/mcpengine/mcpengine/ext/skills/skillsclient"
	"github.com/mcpengine/mcpengine/mcptest"
)

// acme returns a client of a server with skills, in memory.
func acme() *client.Client {
	extension, err := skills.New(folder())
	if err != nil {
		panic(err)
	}
	return mcptest.New(mcpengine.New("acme", mcpengine.WithExtension(extension)))
}

// A host shows names and descriptions to the model, and reads a file when it is
// needed.
func Example() {
	ctx, c := context.Background(), acme()
	defer c.Close()
	all, err := client.Collect(skillsclient.List(ctx, c))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range all {
		fmt.Printf("%s: %s (%d files)\n", s.Name, s.Description, len(s.Resources))
	}
	text, err := skillsclient.Read(ctx, c, all[0], all[0].URI)
	fmt.Println(len(text), err)
	// Output:
	// refunds: Pay back. (3 files)
	// zebra: Stripes. (2 files)
	// 93 <nil>
}

// An entry that breaks a rule comes with an error.
func ExampleList() {
	ctx, c := context.Background(), acme()
	defer c.Close()
	for s, err := range skillsclient.List(ctx, c) {
		switch {
		case s == nil:
			fmt.Println(err) // the list ends
		case err != nil:
			fmt.Println("left out:", err)
		default:
			fmt.Println(s.URI)
		}
	}
	// Output:
	// skill://refunds/SKILL.md
	// skill://zebra/SKILL.md
}

// A server answers for skills that it does not list, too.
func ExampleGet() {
	ctx, c := context.Background(), acme()
	defer c.Close()
	s, err := skillsclient.Get(ctx, c, "skill://zebra/SKILL.md")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.Name, string(s.Frontmatter))
	// Output: zebra {"name":"zebra","description":"Stripes."}
}

// A file that the entry does not list is not read: the skill has changed, and the
// user has agreed to another one.
func ExampleRead() {
	ctx, c := context.Background(), acme()
	defer c.Close()
	s, err := skillsclient.Get(ctx, c, "skill://refunds/SKILL.md")
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := skillsclient.Read(ctx, c, s, s.Root()+"/examples/email.md")
	fmt.Printf("%q %v\n", text, err)
	_, err = skillsclient.Read(ctx, c, s, s.Root()+"/new.md")
	fmt.Println(errors.Is(err, skill.ErrVerification))
	// Output:
	// "Dear customer\n" <nil>
	// true
}

func ExampleInsecureReadDynamic() {
	ctx, c := context.Background(), acme()
	defer c.Close()
	s, err := skillsclient.Get(ctx, c, "skill://zebra/SKILL.md")
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := skillsclient.InsecureReadDynamic(ctx, c, s, s.URI)
	fmt.Println(s.Dynamic, len(text), err) // verified all the same, because it is not dynamic
	// Output: false 42 <nil>
}

func ExampleReadDirectory() {
	ctx, c := context.Background(), acme()
	defer c.Close()
	for r, err := range skillsclient.ReadDirectory(ctx, c, "skill://refunds") {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(r.Name, r.MIMEType)
	}
	// Output:
	// refunds text/markdown
	// examples inode/directory
	// logo.png image/png
}
