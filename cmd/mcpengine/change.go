package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/hostconfig"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/profile"
	"github.com/mcpengine/mcpengine/internal/terminal"
)

// An installation puts one server into several hosts.
type installation struct {
	*cli
	store  *profile.Store
	e      hostconfig.Environment
	server hostconfig.Server
	hosts  []*hostconfig.Host
	force  bool
	before *profile.Profile // that tells which entries are ours, or nil
}

func (i installation) run(ctx context.Context, dryRun bool) ([]hostconfig.Change, error) {
	var all []hostconfig.Change
	for _, host := range i.hosts {
		s := i.server
		if i.before != nil {
			s.Known, s.Own = true, i.before.Native[host.ID]
		}
		changes, err := host.Install(ctx, i.e, s, hostconfig.Options{DryRun: dryRun, Force: i.force})
		all = append(all, changes...)
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

// apply saves the profile of a server and puts its entry into the files of hosts,
// or prints the entry without one.
func (i installation) apply(ctx context.Context, p *profile.Profile, secret string, dryRun bool) error {
	name := i.server.Name
	// A dry run finds problems before anything is changed.
	changes, err := i.run(ctx, true)
	if err != nil {
		return err
	}
	if dryRun {
		i.printChanges(changes, i.store, name)
		return nil
	}
	p.Native = native(p.Native, i.hosts, i.server.Mark())
	if err := i.store.Save(ctx, name, p, secret); err != nil {
		return err
	}
	i.stderr.Printf("profile: %s\n", i.store.File(name))
	if p.Command == nil {
		i.look(ctx, name)
	}
	if len(i.hosts) == 0 {
		return i.printEntry(i.server)
	}
	changes, err = i.run(ctx, false)
	i.report(changes, "installed "+name)
	if err != nil {
		return err
	}
	i.next(changes)
	return nil
}

// report says what was done to each file.
func (c *cli) report(changes []hostconfig.Change, done string) {
	for _, change := range changes {
		switch {
		case !change.Changed():
			c.stderr.Printf("%s: nothing to do in %s\n", change.Host.Name, change.File)
		case len(change.Commands) > 0:
			c.stderr.Printf("%s: %s with its own command\n", change.Host.Name, done)
		case change.Backup != "":
			c.stderr.Printf("%s: %s in %s (before: %s)\n", change.Host.Name, done, change.File, change.Backup)
		default:
			c.stderr.Printf("%s: %s in %s\n", change.Host.Name, done, change.File)
		}
	}
}

// next tells the user the next step, once for each host.
func (c *cli) next(changes []hostconfig.Change) {
	var last *hostconfig.Host
	for _, change := range changes {
		if change.Host != last && change.Changed() {
			c.stderr.Printf(change.Host.Next+"\n", change.Host.Name)
			last = change.Host
		}
	}
}

// printChanges is the answer of a dry run: the edits of files, and the commands.
func (c *cli) printChanges(changes []hostconfig.Change, store *profile.Store, name string) {
	c.stderr.Printf("nothing was changed; the profile is %s\n", store.File(name))
	for _, change := range changes {
		for _, line := range change.Commands {
			c.stdout.Printf("$ %s\n", line)
		}
		if !bytes.Equal(change.Before, change.After) {
			c.stdout.Text(diff(change.File, change.Before, change.After))
		}
	}
}

// diff shows an edit, which is in one place, with a line on either side. The rest
// of the file is not shown, because hosts keep secrets of other servers there.
func diff(name string, before, after []byte) string {
	a, b := lines(before), lines(after)
	start := 0
	for start < len(a) && start < len(b) && a[start] == b[start] {
		start++
	}
	end := 0
	for end < len(a)-start && end < len(b)-start && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	from, around := max(0, start-1), min(1, end)
	var out strings.Builder
	out.WriteString(terminal.Sprintf("--- %s\n+++ %[1]s\n", name))
	out.WriteString(fmt.Sprintf("@@ -%d,%d +%d,%d @@\n", from+1, len(a)-end+around-from, from+1, len(b)-end+around-from))
	show := func(sign string, lines []string) {
		for _, line := range lines {
			out.WriteString(sign + strings.TrimRight(line, "\r\n") + "\n")
		}
	}
	show(" ", a[from:start])
	show("-", a[start:len(a)-end])
	show("+", b[start:len(b)-end])
	show(" ", a[len(a)-end:len(a)-end+around])
	return out.String()
}

func lines(data []byte) []string {
	if len(data) == 0 {
		return nil
	}
	return strings.SplitAfter(strings.TrimSuffix(string(data), "\n"), "\n")
}
