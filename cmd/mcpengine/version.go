package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

func (c *cli) version() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: `  mcpengine version`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			version, commit := buildVersion()
			c.stdout.Printf("mcpengine %s%s %s %s/%s\n", version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return nil
		},
	}
}

// buildVersion returns the version of the program, and the commit as commitOf does.
func buildVersion() (version, commit string) {
	version = "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok {
		version, commit = cmp.Or(info.Main.Version, version), commitOf(info.Settings)
	}
	return version, commit
}

// buildDate returns the day of the commit that the program was built from, or "".
func buildDate() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.time" {
				day, _, _ := strings.Cut(s.Value, "T")
				return day
			}
		}
	}
	return ""
}

// commitOf returns the commit and its date in parentheses, or "" for a program that
// was built without them.
func commitOf(settings []debug.BuildSetting) string {
	known := make(map[string]string)
	for _, s := range settings {
		known[s.Key] = s.Value
	}
	commit, date := known["vcs.revision"], known["vcs.time"]
	if commit == "" {
		return ""
	}
	modified := ""
	if known["vcs.modified"] == "true" {
		modified = ", modified"
	}
	return fmt.Sprintf(" (%.12s of %s%s)", commit, date, modified)
}
