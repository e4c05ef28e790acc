package describe

import (
	"context"
	"os/exec"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/semver"
)

// tagged returns the version with which the commit of a module's folder is tagged and
// the tag, or why there is none. A module below the root of its repository has tags such as
// sub/v1.2.3 (Go Modules Reference, "Mapping versions to commits").
func tagged(ctx context.Context, folder string) (version, tag, why string) {
	prefix, err := git(ctx, folder, "rev-parse", "--show-prefix")
	if err != nil {
		return "", "", "the version is not known, because the folder is not in a git repository"
	}
	prefix = majorFolder.ReplaceAllString(prefix, "$1")
	if changed, err := git(ctx, folder, "status", "--porcelain", "--untracked-files=no"); err != nil || changed != "" {
		return "", "", "the version is not known, because files differ from the commit"
	}
	tags, err := git(ctx, folder, "tag", "--points-at", "HEAD")
	if err != nil {
		return "", "", "the version is not known, because there is no commit"
	}
	var versions []string
	for tag := range strings.FieldsSeq(tags) {
		if v, ok := strings.CutPrefix(tag, prefix); ok && semver.IsValid(v) && semver.Canonical(v) == v {
			versions = append(versions, v)
		}
	}
	if len(versions) == 0 {
		return "", "", "the version is not known, because the commit has no tag such as " + prefix + "v1.2.3"
	}
	version = slices.MaxFunc(versions, semver.Compare)
	return version, prefix + version, ""
}

// majorFolder is the folder of a later major version, which is no part of a tag.
var majorFolder = regexp.MustCompile(`(^|/)v[0-9]+/$`)

func git(ctx context.Context, folder string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = folder
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}
