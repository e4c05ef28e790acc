// Package hostconfig puts MCP servers into the configuration files of hosts:
// Claude Desktop, editors and agents. A file is edited as bytes, so that
// comments, order and the host's own way of writing stay as they are, and only
// entries that this program has made are changed or removed.
package hostconfig

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// An Environment is the machine that the hosts are on. All of it is given, so
// that the files of any system can be named on any other.
type Environment struct {
	// OS is the operating system as Go names it: linux, darwin or windows.
	OS string
	// Home is the user's home directory.
	Home string
	// Getenv reads an environment variable.
	Getenv func(string) string
	// Exists reports whether there is a file or folder.
	Exists func(name string) bool
	// Glob lists the files that match a pattern of path/filepath.
	Glob func(pattern string) ([]string, error)
	// State is the folder for locks, which is not the hosts' business.
	State string
	// Project is the folder of a project whose files to use instead of the
	// user's, or "".
	Project string
	// Run runs a host's own command, and fails with exec.ErrNotFound without
	// one. With no arguments it only looks for the command.
	Run func(ctx context.Context, command string, args ...string) error
}

// A Host is a program that starts MCP servers.
type Host struct {
	// ID is its name on the command line.
	ID string
	// Name is its name for people.
	Name string
	// Next is what the user does so that it sees the new entry.
	Next string

	key     string                  // the object that holds the servers
	keys    func(document) []string // the path of that object, where the file decides it
	syntax  syntax
	env     string                         // the member that holds the environment, if it is not env
	command string                         // the host's own program that edits its file
	folder  int                            // how far above the file the folder is that shows the host is there
	project string                         // the file in a project
	shared  bool                           // the folder of that file is not the host's alone
	dollar  bool                           // $NAME is a variable too, and not only ${NAME}
	files   func(Environment) []string     // the user's
	local   func(program) []member         // the entry of a program, if it is not as usual
	remote  func(Server) ([]member, error) // the host's own entry for a remote server
}

// path returns the path of an entry, or of a member of it, in a file.
func (h *Host) path(doc document, names ...string) []string {
	if h.keys != nil {
		return append(h.keys(doc), names...)
	}
	return append([]string{h.key}, names...)
}

// environment returns the name of the member that holds the environment.
func (h *Host) environment() string { return cmp.Or(h.env, "env") }

// Hosts returns the hosts that are known, in the order they are listed in.
func Hosts() []*Host { return slices.Clone(hosts) }

// HasProject reports whether the host reads a file in a project.
func (h *Host) HasProject() bool { return h.project != "" }

// HasNative reports whether the host can reach a remote server by itself.
func (h *Host) HasNative() bool { return h.remote != nil }

// Files returns the host's configuration files in this environment, whether they
// exist or not. It returns nil if Project is set and the host has no file in a
// project.
func (h *Host) Files(e Environment) []string {
	if e.Project == "" {
		return h.files(e)
	}
	if h.project == "" {
		return nil
	}
	return []string{e.join(e.Project, h.project)}
}

// Found reports whether the host seems to be installed.
func (h *Host) Found(e Environment) bool {
	if h.command != "" && e.Project == "" {
		return e.Run(context.Background(), h.command) == nil
	}
	for _, file := range h.Files(e) {
		folder, up := file, h.folder
		if e.Project != "" && h.shared {
			up = 0
		}
		for range up {
			folder = e.dir(folder)
		}
		if e.Exists(folder) {
			return true
		}
	}
	return false
}

// join names a file below a folder. The rest is written with slashes.
func (e Environment) join(folder, rest string) string {
	if e.OS == "windows" {
		return strings.TrimRight(folder, `\/`) + `\` + strings.ReplaceAll(rest, "/", `\`)
	}
	return strings.TrimRight(folder, "/") + "/" + rest
}

func (e Environment) dir(name string) string {
	return name[:max(0, strings.LastIndexAny(name, e.separators()))]
}

func (e Environment) separators() string {
	if e.OS == "windows" {
		return `\/`
	}
	return "/"
}
