package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/ext/skills/skill"
	"github.com/mcpengine/mcpengine/ext/skills/skillsclient"
	"github.com/mcpengine/mcpengine/internal/terminal"
)

// skillFlags are the flags of mcpengine skills.
type skillFlags struct {
	remoteFlags
	dir   string
	force bool
}

func (c *cli) skills() *cobra.Command {
	var f skillFlags
	cmd := &cobra.Command{
		Use:   "skills SERVER [NAME] [flags]",
		Short: "List, read and save the skills of a server",
		Long: remoteShape + `
A NAME is the name, path or URI of a skill; its SKILL.md is printed. What is
printed or saved has the size and digest that the server announces.`,
		Example: `  mcpengine skills https://example.com/mcp
  mcpengine skills https://example.com/mcp refunds -o skills`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.ask(cmd, args, &f.remoteFlags, func(ctx context.Context, conn *client.Client, rest []string, asJSON bool) error {
				return c.runSkills(ctx, conn, rest, &f, asJSON)
			}, func(rest []string) error {
				switch {
				case len(rest) > 1:
					return errors.New("name one skill, or none for all")
				case f.force && f.dir == "":
					return errors.New("--force is for -o, which writes files")
				}
				return nil
			})
		},
		ValidArgsFunction: c.suggestSkill(&f.remoteFlags),
	}
	f.add(cmd)
	cmd.Flags().StringVarP(&f.dir, "dir", "o", "", "write the files of the skills below this `folder`")
	cmd.Flags().BoolVar(&f.force, "force", false, "let -o replace files")
	return cmd
}

func (c *cli) runSkills(ctx context.Context, conn *client.Client, rest []string, f *skillFlags, asJSON bool) error {
	if len(rest) == 0 {
		all, err := c.listSkills(ctx, conn)
		switch {
		case err != nil:
			return err
		case f.dir != "":
			return c.saveSkills(ctx, conn, all, f, asJSON)
		case asJSON:
			return c.stdout.JSON(struct {
				Skills []*skill.Skill `json:"skills"`
			}{all})
		}
		c.printSkills(all)
		return nil
	}
	s, err := c.findSkill(ctx, conn, rest[0])
	if err != nil {
		return err
	}
	if f.dir != "" {
		return c.saveSkills(ctx, conn, []*skill.Skill{s}, f, asJSON)
	}
	text, err := skillsclient.Read(ctx, conn, s, s.URI)
	switch {
	case err != nil:
		return err
	case asJSON:
		return c.stdout.JSON(struct {
			Skill *skill.Skill `json:"skill"`
			Text  string       `json:"text"`
		}{s, string(text)})
	}
	c.stdout.Text(string(text))
	return nil
}

// listSkills returns the skills that keep the rules, and names the others.
func (c *cli) listSkills(ctx context.Context, conn *client.Client) ([]*skill.Skill, error) {
	all := []*skill.Skill{}
	for s, err := range skillsclient.List(ctx, conn) {
		switch {
		case s == nil:
			return nil, err
		case err != nil:
			c.stderr.Printf("mcpengine: left out: %s\n", err)
		default:
			all = append(all, s)
		}
	}
	return all, nil
}

// findSkill returns the skill with a name, path or URI. A skill that is not listed
// is found by its path and URI.
func (c *cli) findSkill(ctx context.Context, conn *client.Client, name string) (*skill.Skill, error) {
	if strings.Contains(name, "://") {
		return skillsclient.Get(ctx, conn, name)
	}
	all, err := c.listSkills(ctx, conn)
	if err != nil {
		return nil, err
	}
	var found []*skill.Skill
	var names []string
	for _, s := range all {
		path, _ := s.Path()
		if s.Name == name || path == name {
			found = append(found, s)
		}
		names = append(names, path)
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		uri := "skill://" + strings.Trim(name, "/") + "/SKILL.md"
		s, err := skillsclient.Get(ctx, conn, uri)
		if err != nil {
			return nil, hintError{err, "name one of the skills: " + cmp.Or(clipList(names), "none is listed")}
		}
		return s, nil
	}
	names = nil
	for _, s := range found {
		path, _ := s.Path()
		names = append(names, path)
	}
	return nil, hintError{fmt.Errorf("%d skills have the name %s", len(found), name), "name one of the paths: " + clipList(names)}
}

// clipList joins names for a hint of one line.
func clipList(names []string) string {
	return terminal.Clip(terminal.Fold(strings.Join(names, ", ")), 512)
}

func (c *cli) printSkills(all []*skill.Skill) {
	c.stdout.Printf("skills (%d)\n", len(all))
	for _, s := range all {
		size := "made for each request"
		if !s.Dynamic {
			total := int64(0)
			for _, r := range s.Resources {
				total += r.Size
			}
			size = fmt.Sprintf("files: %d, bytes: %d", len(s.Resources), total)
		}
		c.entry(fmt.Sprintf("%s (%s)", s.Name, size), s.Description)
		c.indent("      ", s.URI)
	}
}

// saveSkills reads all files of each skill, and writes them when all of them are
// as the server announces.
func (c *cli) saveSkills(ctx context.Context, conn *client.Client, all []*skill.Skill, f *skillFlags, asJSON bool) error {
	out, err := openFolder(f.dir, f.force)
	if err != nil {
		return err
	}
	defer out.Close()
	for _, s := range all {
		if err := saveSkill(ctx, conn, s, out); err != nil {
			return fmt.Errorf("save %s: %w", s.URI, err)
		}
	}
	if asJSON {
		return c.stdout.JSON(json.RawMessage(out.report()))
	}
	for _, name := range out.written {
		c.stdout.Printf("%s\n", name)
	}
	return nil
}

func saveSkill(ctx context.Context, conn *client.Client, s *skill.Skill, out *outFolder) error {
	if s.Dynamic {
		return skillsclient.ErrDynamic
	}
	files := make([]outFile, len(s.Resources))
	for i, r := range s.Resources {
		path, err := r.Path()
		if err != nil {
			return err
		}
		files[i].path = path
	}
	if err := out.check(files); err != nil {
		return err
	}
	for i, r := range s.Resources {
		content, err := skillsclient.Read(ctx, conn, s, r.URI)
		if err != nil {
			return err
		}
		files[i].content = content
	}
	return out.write(files)
}

func (c *cli) suggestSkill(f *remoteFlags) suggester {
	return c.suggest(f, func(k *catalog, rest []string, _ string) (found []cobra.Completion, _ cobra.ShellCompDirective) {
		conn, err := k.connect()
		if err != nil || len(rest) > 0 {
			return nil, noFiles
		}
		for s, err := range skillsclient.List(k.ctx, conn) {
			if s == nil {
				break
			}
			if err == nil {
				path, _ := s.Path()
				found = named(found, path, s.Description)
			}
		}
		return found, noFiles
	})
}
