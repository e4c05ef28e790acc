package hostconfig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
)

// Options say how far to go.
type Options struct {
	// DryRun works out the changes and makes none.
	DryRun bool
	// Force replaces or removes an entry that this program has not made.
	Force bool
}

// Install puts a server into the host's files, or brings its entry up to date.
// An entry of that name that this program has not made is left alone and is an
// error, as is a file that does not parse.
func (h *Host) Install(ctx context.Context, e Environment, s Server, o Options) ([]Change, error) {
	entry, err := h.members(s)
	if err != nil {
		return nil, err
	}
	return h.each(ctx, e, s, o, func(doc document) error { return h.put(doc, entry, s, o.Force) })
}

// Uninstall takes a server out of the host's files. It is no error when there is
// no such entry; one that this program has not made is.
func (h *Host) Uninstall(ctx context.Context, e Environment, s Server, o Options) ([]Change, error) {
	return h.each(ctx, e, s, o, func(doc document) error {
		old, err := doc.get(h.path(doc, s.Name)...)
		if old == nil || err != nil {
			return err
		}
		if !o.Force && !owns(old, s) {
			return otherEntry(s.Name)
		}
		return doc.remove(h.path(doc, s.Name)...)
	})
}

func (h *Host) each(ctx context.Context, e Environment, s Server, o Options, edit func(document) error) ([]Change, error) {
	files := h.Files(e)
	if len(files) == 0 {
		return nil, withHint(fmt.Errorf("%s has no file in a project", h.Name), "leave out --project")
	}
	changes := make([]Change, 0, len(files))
	for _, file := range files {
		viaCommand := h.command != "" && e.Project == ""
		change, err := e.editFile(ctx, file, h.syntax, o.DryRun || viaCommand, edit)
		if err == nil && viaCommand {
			err = h.runCommand(ctx, e, s.Name, &change, o.DryRun)
		}
		change.Host = h
		if err != nil {
			return changes, err
		}
		changes = append(changes, change)
	}
	return changes, nil
}

// put writes an entry. Of one that is ours already only what we say is changed:
// hosts and users add members of their own.
func (h *Host) put(doc document, entry []member, s Server, force bool) error {
	whole, err := encode(entry)
	if err != nil {
		return err
	}
	at := h.path(doc, s.Name)
	old, err := doc.get(at...)
	switch {
	case err != nil:
		return err
	case old == nil:
		return doc.set(whole, at...)
	case sameJSON(old, whole):
		return nil
	case !force && !owns(old, s):
		return otherEntry(s.Name)
	case !s.runsAlready(old):
		return doc.set(whole, at...)
	}
	for _, name := range inOrder(s.Env) {
		if err := update(doc, s.Env[name], h.path(doc, s.Name, h.environment(), name)...); err != nil {
			return err
		}
	}
	for _, m := range entry {
		if m.name == h.environment() || slices.Contains(ofUser, m.name) {
			continue
		}
		if err := update(doc, m.value, h.path(doc, s.Name, m.name)...); err != nil {
			return err
		}
	}
	return nil
}

// runsAlready reports whether an entry runs what it is to run: the bridge, wherever
// the program is, or the same command line.
func (s Server) runsAlready(old []byte) bool {
	if s.Native {
		return false
	}
	if s.Program == nil {
		return isBridge(old, s)
	}
	found, err := readEntry(old)
	return err == nil && slices.Equal(found.Program, s.Program)
}

// update sets a value unless it is there.
func update(doc document, value any, path ...string) error {
	data, err := encodeValue(value)
	if err != nil {
		return fmt.Errorf("encode %s: %w", pathString(path), err)
	}
	old, err := doc.get(path...)
	if err != nil || old != nil && sameJSON(old, data) {
		return err
	}
	return doc.set(data, path...)
}

func otherEntry(name string) error {
	return withHint(fmt.Errorf("there is an entry %q that mcpengine has not made", name), "choose another name, or replace it with --force")
}

// runCommand has the host edit its own file, which holds live state of it. The
// change says what the file should become.
func (h *Host) runCommand(ctx context.Context, e Environment, name string, c *Change, dryRun bool) error {
	if !c.Changed() {
		return nil
	}
	before, err := h.entryOf(c.Before, name)
	if err != nil {
		return err
	}
	after, err := h.entryOf(c.After, name)
	if err != nil {
		return err
	}
	var commands [][]string
	if before != nil {
		commands = append(commands, []string{"mcp", "remove", "--scope", "user", name})
	}
	if after != nil {
		commands = append(commands, []string{"mcp", "add-json", "--scope", "user", name, string(after)})
	}
	var lines []string
	for _, args := range commands {
		line := shellLine(append([]string{h.command}, args...))
		lines = append(lines, line)
		if dryRun {
			continue
		}
		if err := e.Run(ctx, h.command, args...); errors.Is(err, exec.ErrNotFound) {
			return withHint(fmt.Errorf("%s keeps its servers with its own command, and %s is not on PATH", h.Name, h.command), "run: "+line)
		} else if err != nil {
			return withHint(fmt.Errorf("run %s %s: %w", h.command, strings.Join(args[:2], " "), err), "run: "+line)
		}
	}
	c.Commands, c.After = lines, c.Before
	return nil
}

func (h *Host) entryOf(file []byte, name string) ([]byte, error) {
	doc, err := parse(file, h.syntax)
	if err != nil {
		return nil, err
	}
	return doc.get(h.path(doc, name)...)
}

// shellLine returns a command as a POSIX shell reads it.
func shellLine(args []string) string {
	out := make([]string, len(args))
	for i, arg := range args {
		out[i] = arg
		if arg == "" || strings.ContainsFunc(arg, func(r rune) bool {
			return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@", r)
		}) {
			out[i] = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
	}
	return strings.Join(out, " ")
}

// A Status is what one file of a host has.
type Status struct {
	// File is the name of the file.
	File string
	// Exists tells whether it is there.
	Exists bool
	// Servers are the names of the entries that this program has made, in order.
	Servers []string
	// Doubtful are the names of entries that are there twice or do not parse.
	Doubtful []string
	// Err is why the file could not be read, or nil.
	Err error
	// Mentions holds the names that stand in a file which could not be parsed.
	Mentions func(name string) bool
}

// Status reads the host's files. Ours returns what is known of the server of a
// name here, or false when nothing is.
func (h *Host) Status(e Environment, ours func(name string) (Server, bool)) []Status {
	var all []Status
	for _, file := range h.Files(e) {
		status := Status{File: file, Exists: e.Exists(file)}
		if status.Exists {
			h.readStatus(e, &status, ours)
		}
		all = append(all, status)
	}
	return all
}

func (h *Host) readStatus(e Environment, status *Status, ours func(name string) (Server, bool)) {
	status.Mentions = func(string) bool { return true } // until it is read
	at, err := e.place(status.File)
	if err != nil {
		status.Err = err
		return
	}
	defer at.root.Close()
	data, _, err := at.read()
	if err != nil {
		status.Err = err
		return
	}
	status.Mentions = func(name string) bool {
		return bytes.Contains(data, []byte(name)) || bytes.Contains(data, []byte(`\u`))
	}
	doc, err := parse(data, h.syntax)
	if err != nil {
		status.Err = err
		return
	}
	names, err := doc.names(h.path(doc)...)
	if err != nil {
		status.Err = err
		return
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		entry, err := doc.get(h.path(doc, name)...)
		s, known := ours(name)
		s.Name, s.Known = name, known
		switch {
		case err != nil:
			status.Doubtful = append(status.Doubtful, name)
		case owns(entry, s):
			status.Servers = append(status.Servers, name)
		}
	}
}
