package manifest

import (
	"path"
	"slices"
	"strings"
)

// majorVersion is the last element of the path of a module's later major versions,
// which says nothing about the program.
const majorVersion = `^v[0-9]+$`

// ProgramName returns the name of a program: the last element of its module's path
// and the folders below it, without cmd. So programs in folders of the same name, such
// as cmd/server, have different names.
func ProgramName(module, importPath string) string {
	if module == "" {
		return lastElement(importPath)
	}
	names := []string{lastElement(module)}
	for folder := range strings.SplitSeq(strings.TrimPrefix(importPath, module), "/") {
		if folder != "" && folder != "cmd" && folder != names[len(names)-1] {
			names = append(names, folder)
		}
	}
	return strings.Join(names, "-")
}

// lastElement returns the last element of a path that is no major version.
func lastElement(importPath string) string { return path.Base(withoutMajor(importPath)) }

func withoutMajor(importPath string) string {
	if matches(majorVersion, path.Base(importPath)) && path.Dir(importPath) != "." {
		return path.Dir(importPath)
	}
	return importPath
}

// NameOf returns the name that the registry would know a program by: for a module on
// GitHub, io.github and its owner, and otherwise the domain of the module's path, in
// reverse. It returns "" for a path that proves no namespace.
func NameOf(module, importPath string) string {
	elements := strings.Split(module, "/")
	domain := elements[0]
	var namespace string
	switch {
	case domain == "github.com" && len(elements) > 2:
		namespace = "io.github." + elements[1]
	case domain == "github.com" || !strings.Contains(domain, ".") || isShared(domain):
		return ""
	default:
		labels := strings.Split(domain, ".")
		slices.Reverse(labels)
		namespace = strings.Join(labels, ".")
	}
	if name := namespace + "/" + ProgramName(module, importPath); matches(serverName, name) {
		return name
	}
	return ""
}

// isShared reports whether a domain belongs to none of the authors of the modules there.
func isShared(domain string) bool {
	return slices.Contains([]string{"gitlab.com", "bitbucket.org", "codeberg.org", "gitea.com", "git.sr.ht", "launchpad.net"}, domain)
}

// RepositoryOf returns the repository of a program whose module is on GitHub, and nil
// for any other.
func RepositoryOf(module, importPath string) *Repository {
	elements := strings.Split(withoutMajor(module), "/")
	if elements[0] != "github.com" || len(elements) < 3 {
		return nil
	}
	r := &Repository{URL: "https://" + strings.Join(elements[:3], "/"), Source: "github"}
	folders := append(elements[3:], strings.Trim(strings.TrimPrefix(importPath, module), "/"))
	r.Subfolder = strings.Trim(strings.Join(folders, "/"), "/")
	c := new(checks)
	if c.repository(r); len(c.faults) > 0 {
		return nil
	}
	return r
}
