package deploy_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy"
)

const (
	repository = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/weather"
	digest     = "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
)

func TestCheckImage(t *testing.T) {
	t.Parallel()
	for _, uri := range []string{repository, repository + ":v1", repository + digest, "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/a/b_c.d:1"} {
		if err := deploy.CheckImage(uri); err != nil {
			t.Error(err)
		}
	}
	for _, uri := range []string{
		"", "weather", "docker.io/weather:1", "https://" + repository, repository + ":", repository + "@sha256:12", repository + ":a b",
		repository + ":$(id)", repository + "\n", "--help", "public.ecr.aws/x/weather", repository + ":v1" + digest, repository + "/../x:é",
	} {
		if err := deploy.CheckImage(uri); err == nil {
			t.Errorf("CheckImage(%q) takes it", uri)
		}
	}
}

// fakeDocker puts a program in the place of docker that notes its arguments.
func fakeDocker(t *testing.T, script string) (notes string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("out of reach: what stands in for docker is a shell script")
	}
	dir := t.TempDir()
	notes = filepath.Join(dir, "notes")
	text := "#!/bin/sh\nprintf '%s\\n' \"$*\" >>" + notes + "\n" + script + "\n"
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return notes
}

func imageSource(t *testing.T, flags deploy.BuildFlags) deploy.Source {
	t.Helper()
	source, err := deploy.FindSource(t.Context(), module(t, "package main\n\nfunc main() {}\n"), flags)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// An image is built before the plan, pushed as its first change, and run by the
// digest that the registry has given it. A tag that says the same changes nothing.
func TestImage(t *testing.T) {
	notes := fakeDocker(t, `case $1 in
build) for last; do :; done; test -x $last/bootstrap && cp $last/Dockerfile `+t.TempDir()+` ;;
inspect) echo '["other@sha256:00","`+repository+digest+`"]' ;;
esac`)
	source := imageSource(t, deploy.BuildFlags{})
	fake := serve(t)
	d := connect(fake.address, deploy.Config{})
	spec := deploy.Spec{Name: "weather", Image: repository + ":v1"}
	build := func(ctx context.Context, arch string) (deploy.Code, error) {
		return source.Image(ctx, arch, spec.Image)
	}
	for run := range 2 {
		plan, err := d.Plan(t.Context(), spec, build)
		if err != nil {
			t.Fatal(err)
		}
		if run == 0 {
			golden(t, "plan-image.txt", plan.String())
		}
		if text, err := os.ReadFile(notes); err != nil || strings.Contains(string(text), "push") != (run > 0) {
			t.Errorf("the plan pushes: %s, %v", text, err)
		}
		fake.Forget()
		if err := d.Apply(t.Context(), plan); err != nil {
			t.Fatal(err)
		}
	}
	if got := writes(fake); len(got) != 1 || got[0] != "lambda:PublishVersion" {
		t.Errorf("the second run changes %v", got)
	}
	checkLive(t, fake, "1")
	text, err := os.ReadFile(notes)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	if !strings.HasPrefix(first, "build --platform linux/arm64 --provenance=false -t "+repository+":v1 ") {
		t.Errorf("docker %s", first)
	}

	spec.Image = repository + digest // exists, and is not built
	plan, err := d.Plan(t.Context(), spec, build)
	if err != nil || plan.Changes() {
		t.Errorf("the same image by its digest: %v, %v", plan, err)
	}
}

// Without docker, and where docker fails, the error has all that another machine
// needs.
func TestImageWithoutDocker(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	source := imageSource(t, deploy.BuildFlags{Include: []string{file}})
	check := func(err error, want ...string) {
		t.Helper()
		want = append(want, "FROM gcr.io/distroless/static-debian13:nonroot\n", `COPY ["ca.pem","/var/task/ca.pem"]`, `ENTRYPOINT ["/var/task/bootstrap"]`)
		for _, text := range want {
			if err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("error %v\nwant %q", err, text)
			}
		}
		if hint := deploy.Hint(err); !strings.Contains(hint, "mcpengine package example.com/tool/v2 --image --arch arm64 -o DIR") || !strings.Contains(hint, "--image "+repository+"@sha256:…") {
			t.Errorf("hint %q", hint)
		}
	}
	t.Run("failing", func(t *testing.T) {
		fakeDocker(t, "echo Cannot connect to the Docker daemon >&2; exit 1")
		_, err := source.Image(t.Context(), "arm64", repository+":v1")
		check(err, "docker build: exit status 1: Cannot connect to the Docker daemon")
	})
	t.Run("missing", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		_, err := source.Image(t.Context(), "arm64", repository+":v1")
		check(err, "docker is not on the PATH")
	})
}

func TestImagePushFails(t *testing.T) {
	fakeDocker(t, `case $1 in push) echo no basic auth credentials >&2; exit 1 ;; esac`)
	code, err := imageSource(t, deploy.BuildFlags{}).Image(t.Context(), "arm64", repository+":v1")
	if err != nil {
		t.Fatal(err)
	}
	_, err = code.Push(t.Context())
	if err == nil || !strings.Contains(err.Error(), "no basic auth credentials") || !strings.Contains(deploy.Hint(err), "aws ecr get-login-password --region eu-central-1 | docker login") {
		t.Errorf("Push: %v, hint %q", err, deploy.Hint(err))
	}
}

// Lambda lets no function change between a zip file and an image, and runs no image
// of another region.
func TestImageRefused(t *testing.T) {
	t.Parallel()
	image := func(_ context.Context, arch string) (deploy.Code, error) {
		return deploy.Code{Arch: arch, Image: repository + digest}, nil
	}
	fake := deployed(t, deploy.Spec{Name: "weather"})
	d := connect(fake.address, deploy.Config{})
	if _, err := d.Plan(t.Context(), deploy.Spec{Name: "weather", Image: repository + digest}, image); err == nil || !strings.Contains(err.Error(), "function weather runs a zip file") {
		t.Errorf("an image in place of a zip file: %v", err)
	}
	plan, err := d.Plan(t.Context(), deploy.Spec{Name: "image", Image: repository + digest}, image)
	if err == nil {
		err = d.Apply(t.Context(), plan)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := apply(t.Context(), d, deploy.Spec{Name: "image"}); err == nil || !strings.Contains(err.Error(), "function image runs a container image") || !strings.Contains(deploy.Hint(err), "--image") {
		t.Errorf("a zip file in place of an image: %v", err)
	}
	elsewhere := strings.Replace(repository, "eu-central-1", "us-east-1", 1) + digest
	if _, err := d.Plan(t.Context(), deploy.Spec{Name: "weather", Image: elsewhere}, image); err == nil || !strings.Contains(err.Error(), "is in region us-east-1") {
		t.Errorf("an image of another region: %v", err)
	}
	if _, err := d.Plan(t.Context(), deploy.Spec{Name: "weather", Image: "weather:1"}, image); err == nil || !strings.Contains(err.Error(), "not in Amazon ECR") {
		t.Errorf("an image elsewhere: %v", err)
	}
}
