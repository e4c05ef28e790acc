package bundle

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// A Platform is what one bundle is for. The manifest can tell systems apart and not
// architectures, so that each architecture has its own bundle, except on macOS, whose
// programs can be for several.
type Platform struct {
	Name          string // in the name of the file
	goos          string
	architectures []string
	node          string // as the manifest names the system: Node.js's process.platform
}

// Platforms returns those that bundles are made for.
func Platforms() []Platform {
	return []Platform{
		{"darwin", "darwin", []string{"amd64", "arm64"}, "darwin"},
		{"linux-amd64", "linux", []string{"amd64"}, "linux"},
		{"linux-arm64", "linux", []string{"arm64"}, "linux"},
		{"windows-amd64", "windows", []string{"amd64"}, "win32"},
		{"windows-arm64", "windows", []string{"arm64"}, "win32"},
	}
}

// FindPlatforms returns the platforms of the names, in the order of Platforms, or all of
// them without names.
func FindPlatforms(names []string) ([]Platform, error) {
	all := Platforms()
	var known []string
	for _, p := range all {
		known = append(known, p.Name)
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("--platform %.64q is not one of %s", name, strings.Join(known, ", "))
		}
	}
	if len(names) == 0 {
		return all, nil
	}
	return slices.DeleteFunc(all, func(p Platform) bool { return !slices.Contains(names, p.Name) }), nil
}

// A Builder builds the program for a system and an architecture.
type Builder func(ctx context.Context, goos, arch string) ([]byte, error)

// program builds the program for the platform.
func (p Platform) program(ctx context.Context, build Builder) ([]byte, error) {
	var programs [][]byte
	for _, arch := range p.architectures {
		program, err := build(ctx, p.goos, arch)
		if err != nil {
			return nil, err
		}
		programs = append(programs, program)
	}
	if len(programs) == 1 {
		return programs[0], nil
	}
	return universal(programs...)
}

// fileName returns the name of the program's file.
func (p Platform) fileName(name string) string {
	if p.goos == "windows" {
		return name + ".exe"
	}
	return name
}
