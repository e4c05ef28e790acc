package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/mcpengine/mcpengine/internal/manifest"
)

// imageSyntax is an image in a private repository of Amazon ECR, the only ones that
// Lambda takes, with a tag or a digest.
var imageSyntax = regexp.MustCompile(`^[0-9]{12}\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/[a-z0-9][a-z0-9._/-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]*|@sha256:[0-9a-f]{64})?$`)

// CheckImage reports whether Lambda could not run an image of that URI.
func CheckImage(uri string) error {
	if !imageSyntax.MatchString(uri) {
		return fmt.Errorf("image %.200q is not in Amazon ECR: ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY:TAG", uri)
	}
	return nil
}

// hasDigest reports whether the URI names an image that exists.
func hasDigest(uri string) bool { return strings.Contains(uri, "@") }

// dockerfile returns the Dockerfile of an executable and the files beside it, with the
// label that ties the image to its entry in the registry of MCP servers, if it has one.
func dockerfile(files []File, server string) string {
	names := []string{bootstrap}
	for _, f := range files {
		names = append(names, f.Name)
	}
	var copies bytes.Buffer
	for _, name := range names {
		line, _ := json.Marshal([]string{name, "/var/task/" + name}) // of strings
		fmt.Fprintf(&copies, "COPY %s\n", line)
	}
	label := ""
	if server != "" {
		label = fmt.Sprintf("LABEL %s=%q\n", manifest.ImageLabel, server)
	}
	return "# Certificates, time zones and a user that is not root, and no shell.\n" +
		"FROM gcr.io/distroless/static-debian13:nonroot\n" +
		"WORKDIR /var/task\n" + copies.String() +
		label + "ENTRYPOINT [\"/var/task/bootstrap\"]\n"
}

// Image builds the server into an image on this machine, whose Push sends it to
// ECR. An image that is named by its digest exists: nothing is built.
func (s Source) Image(ctx context.Context, arch, uri string) (Code, error) {
	code := Code{Arch: arch, Image: uri}
	if hasDigest(uri) {
		return code, nil
	}
	files, err := s.flags.files()
	if err != nil {
		return code, err
	}
	if _, err := exec.LookPath("docker"); err != nil {
		return code, s.noDocker(errors.New("docker is not on the PATH, and the image cannot be built without it"), arch, uri, files)
	}
	dir, err := os.MkdirTemp("", "mcpengine-image-")
	if err != nil {
		return code, fmt.Errorf("build %s: %w", uri, err)
	}
	defer os.RemoveAll(dir)
	if err := s.WriteImage(ctx, arch, dir, ""); err != nil {
		return code, err
	}
	if _, err := docker(ctx, buildArguments(arch, uri, dir)...); err != nil {
		return code, s.noDocker(fmt.Errorf("build %s: %w", uri, err), arch, uri, files)
	}
	code.Push = func(ctx context.Context) (string, error) { return push(ctx, uri) }
	return code, nil
}

// buildArguments are for one platform without attestations: Lambda takes no other
// image.
func buildArguments(arch, uri, dir string) []string {
	return []string{"build", "--platform", "linux/" + arch, "--provenance=false", "-t", uri, dir}
}

// noDocker returns the error of an image that cannot be built, with all that is
// needed to build it on another machine.
func (s Source) noDocker(err error, arch, uri string, files []File) error {
	return withHint(fmt.Errorf("%w\nThe Dockerfile:\n%s", err, dockerfile(files, "")), fmt.Sprintf(
		"write the folder for it with mcpengine package %s --image --arch %s -o DIR, build and push it where docker works with "+
			"docker %s, then deploy it by its digest: --image %s@sha256:…",
		s.ImportPath, arch, strings.Join(buildArguments(arch, uri, "DIR"), " "), withoutTag(uri)))
}

func withoutTag(uri string) string {
	repository, _, _ := strings.Cut(uri, "@")
	if colon := strings.LastIndex(repository, ":"); colon > strings.LastIndex(repository, "/") {
		repository = repository[:colon]
	}
	return repository
}

// WriteImage writes the executable, the included files and a Dockerfile into a
// folder, which is made if it is missing. The server is the name of the program in the
// registry of MCP servers, or "".
func (s Source) WriteImage(ctx context.Context, arch, dir, server string) error {
	files, err := s.flags.files()
	if err != nil {
		return err
	}
	binary, err := s.compile(ctx, "linux", arch)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write %s: %w", dir, err)
	}
	for _, f := range append(files, File{"Dockerfile", []byte(dockerfile(files, server))}, File{bootstrap, binary}) {
		mode := os.FileMode(0o644)
		if f.Name == bootstrap {
			mode = 0o755
		}
		if err := os.WriteFile(filepath.Join(dir, f.Name), f.Data, mode); err != nil {
			return err
		}
	}
	return nil
}

// push sends the image to ECR, and returns its URI with the digest that ECR has
// given it.
func push(ctx context.Context, uri string) (string, error) {
	if _, err := docker(ctx, "push", "--quiet", uri); err != nil {
		registry, _, _ := strings.Cut(uri, "/")
		region := imageSyntax.FindStringSubmatch(uri)[1]
		return "", withHint(err, fmt.Sprintf("make the repository with aws ecr create-repository, and sign docker in with "+
			"aws ecr get-login-password --region %s | docker login --username AWS --password-stdin %s", region, registry))
	}
	out, err := docker(ctx, "inspect", "--format", "{{json .RepoDigests}}", uri)
	if err != nil {
		return "", err
	}
	var digests []string
	if err := json.Unmarshal(out, &digests); err != nil {
		return "", fmt.Errorf("read the digest of %s: %w", uri, err)
	}
	for _, digest := range digests {
		if strings.HasPrefix(digest, withoutTag(uri)+"@sha256:") {
			return digest, nil
		}
	}
	return "", fmt.Errorf("docker knows no digest of %s after the push", uri)
}

// pushSteps returns the step that sends a new image to ECR.
func pushSteps(code *Code) []Step {
	if code.Push == nil {
		return nil
	}
	return []Step{{Verb: "push", What: "image", Detail: code.Image, do: func(ctx context.Context) error {
		if code.Push == nil {
			return nil // an earlier attempt has pushed it
		}
		uri, err := code.Push(ctx)
		if err == nil {
			code.Image, code.Push = uri, nil
		}
		return err
	}}}
}

// docker runs docker and returns what it prints.
func docker(ctx context.Context, args ...string) ([]byte, error) {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "docker", args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, fmt.Errorf("docker %s: %w: %s", args[0], err, lastLines(stderr.String(), 20))
	}
	return out, nil
}
