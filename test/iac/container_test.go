package iac_test

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const dockerfile = "deploy/container/Dockerfile"

// instructions is a Dockerfile's instructions, each on one line.
func instructions(text string) []string {
	text = regexp.MustCompile(`(?m)^\s*#.*\n`).ReplaceAllString(text, "")
	text = regexp.MustCompile(`\\\n\s*`).ReplaceAllString(text, "")
	return slices.DeleteFunc(strings.Split(text, "\n"), func(line string) bool { return line == "" })
}

// starting is the instructions that begin with a word.
func starting(lines []string, word string) []string {
	var found []string
	for _, line := range lines {
		if strings.HasPrefix(line, word+" ") {
			found = append(found, line)
		}
	}
	return found
}

// The image is cross-compiled on the builder's own platform, with the Go
// version of go.mod. It has no root user, no shell, and no setting but a memory
// limit.
func TestDockerfile(t *testing.T) {
	t.Parallel()
	lines := instructions(read(t, dockerfile))
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "go.mod"))[1]
	for word, want := range map[string][]string{
		"FROM": {
			"FROM --platform=$BUILDPLATFORM golang:" + version + " AS build",
			"FROM gcr.io/distroless/static-debian13:nonroot",
		},
		"ARG":        {"ARG PACKAGE=.", "ARG TARGETOS", "ARG TARGETARCH", "ARG MEMORY_LIMIT=460MiB"},
		"COPY":       {"COPY . .", "COPY --from=build /bootstrap /bootstrap"},
		"ENTRYPOINT": {`ENTRYPOINT ["/bootstrap"]`},
		"ENV":        {"ENV GOMEMLIMIT=$MEMORY_LIMIT"},
		"USER":       nil, // nonroot's own
		"CMD":        nil,
	} {
		if diff := cmp.Diff(want, starting(lines, word)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", word, diff)
		}
	}
}

// The build in the Dockerfile, run here, makes a static program for either
// platform.
func TestDockerfileBuild(t *testing.T) {
	t.Parallel()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no sh")
	}
	root, err := filepath.Abs(repository)
	if err != nil {
		t.Fatal(err)
	}
	run := starting(instructions(read(t, dockerfile)), "RUN")
	if len(run) != 1 {
		t.Fatalf("there are %d RUN instructions, want 1", len(run))
	}
	build := regexp.MustCompile(`^RUN (--mount=\S+ +)*`).ReplaceAllString(run[0], "")
	for arch, want := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		out := filepath.Join(t.TempDir(), "bootstrap")
		command := strings.NewReplacer("/src/", root+"/", "-o /bootstrap", "-o "+out).Replace(build)
		cmd := exec.CommandContext(t.Context(), shell, "-c", command)
		cmd.Env = append(os.Environ(), "TARGETOS=linux", "TARGETARCH="+arch, "PACKAGE=examples/weather")
		if log, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", command, err, log)
		}
		program, err := elf.Open(out)
		if err != nil {
			t.Fatal(err)
		}
		defer program.Close()
		if program.Machine != want {
			t.Errorf("for %s the program is for %v, want %v", arch, program.Machine, want)
		}
		if slices.ContainsFunc(program.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
			t.Errorf("for %s the program is dynamic, and the image has no linker", arch)
		}
	}
}

// Files that must not end up in a layer are not sent to the builder.
func TestDockerignore(t *testing.T) {
	t.Parallel()
	lines := strings.Split(read(t, dockerfile+".dockerignore"), "\n")
	for _, want := range []string{"**/.git", "**/*.tfstate", "**/*.tfvars", "**/.env", "**/.aws", "**/*.pem", "**/*.key"} {
		if !slices.Contains(lines, want) {
			t.Errorf("%s is not ignored", want)
		}
	}
}
