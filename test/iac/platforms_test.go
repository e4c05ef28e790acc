package iac_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"

	"github.com/mcpengine/mcpengine/internal/buildtest"
)

// A knativeService is a service of Knative Serving, with Kubernetes' own types for
// all that Knative takes from Kubernetes, which is everything in a container.
type knativeService struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec struct {
		Template struct {
			metav1.ObjectMeta `json:"metadata"`

			Spec struct {
				corev1.PodSpec `json:",inline"`

				ContainerConcurrency *int64 `json:"containerConcurrency"`
				TimeoutSeconds       *int64 `json:"timeoutSeconds"`
			} `json:"spec"`
		} `json:"template"`
	} `json:"spec"`
}

// What `mcpengine deploy --to` writes has the form that each platform takes.
func TestPlatforms(t *testing.T) {
	t.Parallel()
	program := buildtest.Program(t, filepath.Join(repository, "cmd", "mcpengine"), ".")
	files := func(t *testing.T, args ...string) string {
		t.Helper()
		dir := t.TempDir()
		cmd := exec.CommandContext(t.Context(), program, append([]string{"deploy", "./weather", "-o", dir}, args...)...)
		cmd.Dir = filepath.Join(repository, "examples")
		cmd.Env = append(os.Environ(), buildtest.Environment()...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("deploy %v: %v\n%s", args, err, out)
		}
		return dir
	}
	t.Run("cloudrun", func(t *testing.T) {
		t.Parallel()
		dir := files(t, "--to", "cloudrun", "--name", "weather", "--image", "weather:1", "--env", "LOG=debug", "--secret", "TOKEN=token:2")
		checkCloudRun(t, content(t, dir, "service.yaml"))
	})
	t.Run("agentcore", func(t *testing.T) {
		t.Parallel()
		dir := files(t, "--to", "agentcore", "--name", "weather", "--image", "123456789012.dkr.ecr.eu-central-1.amazonaws.com/weather:v1", "--role", "arn:aws:iam::123456789012:role/weather")
		var want, got any
		if err := json.Unmarshal([]byte(read(t, "deploy/agentcore/runtime.json")), &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(content(t, dir, "runtime.json")), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" { // TestAgentCore has checked it
			t.Errorf("the request (-deploy/agentcore +written):\n%s", diff)
		}
	})
	t.Run("kubernetes", func(t *testing.T) {
		t.Parallel()
		dir := files(t, "--to", "kubernetes", "--name", "weather", "--image", "weather:1", "--env", "LOG=debug", "--secret", "TOKEN=web:token", "--secret", "MCPENGINE_KEYS=ours")
		cmd := exec.CommandContext(t.Context(), helm(t), "template", "weather", filepath.Join(dir, "chart"), "--values", filepath.Join(dir, "values.yaml"))
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("helm template: %v\n%s", err, out)
		}
		rendered := map[string]string{}
		for document := range strings.SplitSeq(string(out), "---\n") {
			if name, text, ok := strings.Cut(document, "\n"); ok {
				rendered[name] = text
			}
		}
		c := decode(t, rendered)
		if got := c.container().Image; got != "weather:1" || c.variable("LOG") != "debug" || c.pod().Volumes[0].Secret.SecretName != "ours" {
			t.Errorf("the pod is %+v", c.pod())
		}
	})
	t.Run("cloudflare", func(t *testing.T) {
		t.Parallel()
		dir := files(t, "--to", "cloudflare", "--name", "weather", "--env", "LOG=debug", "--secret", "TOKEN=WEATHER_TOKEN")
		checkWorker(t, dir)
		checkWrangler(t, content(t, dir, "wrangler.jsonc"), content(t, dir, "package.json"))
	})
}

// A container and the namespace of its instances, as far as worker.js uses them.
const fakeContainers = `
export class Container { constructor(context, env) { this.env = env; } }
export const getContainer = (binding, name) => ({ fetch: async (request) => binding + " " + name + " " + new URL(request.url).pathname });
`

// askWorker prints where requests of callers go, and the variables of an instance.
const askWorker = `
import worker, { Server } from "./worker.js";
const env = { SERVER: "servers", WEATHER_TOKEN: "secret" };
const ask = (headers) => worker.fetch(new Request("https://weather.example/mcp", { headers }), env);
const callers = [];
for (let i = 0; i < 50; i++) callers.push([await ask({ Authorization: "Bearer " + i }), await ask({ Authorization: "Bearer " + i, "CF-Connecting-IP": "192.0.2." + i })]);
const server = new Server({}, env);
console.log(JSON.stringify({ callers, variables: server.envVars, port: String(server.defaultPort) }));
`

// checkSchema has the validator that cfn-lint comes with check a document.
const checkSchema = `
import json, sys
import jsonschema
with open(sys.argv[1]) as schema:
    for error in jsonschema.Draft7Validator(json.load(schema)).iter_errors(json.load(sys.stdin)):
        print(error.message, [c.message for c in error.context or []])
`

// checkWrangler holds the configuration to the schema of wrangler, at the version that
// the package asks for.
func checkWrangler(t *testing.T, config, manifest string) {
	t.Helper()
	schema := filepath.Join(repository, ".tools", "wrangler", "config-schema.json")
	if _, err := os.Stat(schema); err != nil {
		t.Skip("the schema of wrangler is not there: scripts/install-wrangler")
	}
	if version := strings.TrimSpace(read(t, ".tools/wrangler/stamp")); !strings.Contains(manifest, `"wrangler": "`+version+`"`) {
		t.Errorf("scripts/install-wrangler has %s, and package.json is\n%s", version, manifest)
	}
	python := filepath.Join(repository, ".tools/python/bin/python")
	if _, err := os.Stat(python); err != nil {
		t.Skip("the validator of schemas is not installed: scripts/install-python")
	}
	config = regexp.MustCompile(`(?m)^\s*//.*$`).ReplaceAllString(config, "")
	for text, want := range map[string]string{config: "", strings.Replace(config, `"class_name"`, `"class"`, 1): "'class' was unexpected"} {
		cmd := exec.CommandContext(t.Context(), python, "-c", checkSchema, schema)
		cmd.Stdin = strings.NewReader(text)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) || want == "" && len(out) > 0 {
			t.Errorf("%s\n%v: %s, want %q", text, err, out, want)
		}
	}
}

// checkWorker runs the Worker in Node.js, with a stand-in for Cloudflare's package.
func checkWorker(t *testing.T, dir string) {
	t.Helper()
	node := filepath.Join(repository, ".tools", "conformance", "node")
	if _, err := os.Stat(node); err != nil {
		t.Skip("Node.js is not installed: scripts/install-conformance")
	}
	for name, text := range map[string]string{
		"node_modules/@cloudflare/containers/package.json": `{"type": "module", "exports": "./index.js"}`,
		"node_modules/@cloudflare/containers/index.js":     fakeContainers,
		"ask.js": askWorker,
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), text)
	}
	cmd := exec.CommandContext(t.Context(), node, filepath.Join(dir, "ask.js"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("node: %v\n%s", err, out)
	}
	var got struct {
		Callers   [][2]string
		Variables map[string]string
		Port      string
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	instances := map[string]bool{}
	for _, answers := range got.Callers {
		if answers[0] != answers[1] {
			t.Errorf("a caller gets %s and %s", answers[0], answers[1])
		}
		instances[answers[0]] = true
	}
	want := map[string]bool{"servers server-0 /mcp": true, "servers server-1 /mcp": true, "servers server-2 /mcp": true}
	if diff := cmp.Diff(want, instances); diff != "" {
		t.Errorf("instances (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"PORT": got.Port, "LOG": "debug", "TOKEN": "secret"}, got.Variables); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
	if config := content(t, dir, "wrangler.jsonc"); !strings.Contains(config, `"max_instances": 3`) {
		t.Errorf("the Worker chooses from 3 instances, and the configuration has other ones:\n%s", config)
	}
}

func content(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// checkCloudRun decodes the service strictly, and checks what Cloud Run refuses.
func checkCloudRun(t *testing.T, text string) {
	t.Helper()
	var service knativeService
	if err := yaml.UnmarshalStrict([]byte(text), &service); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if service.APIVersion != "serving.knative.dev/v1" || service.Kind != "Service" || service.Name != "weather" {
		t.Errorf("it is a %s of %s, named %s", service.Kind, service.APIVersion, service.Name)
	}
	container := service.Spec.Template.Spec.Containers[0]
	for _, v := range container.Env {
		if v.Name == "PORT" || strings.HasPrefix(v.Name, "K_") {
			t.Errorf("%s is Cloud Run's to set", v.Name)
		}
	}
	port := intstr.FromInt32(container.Ports[0].ContainerPort)
	for probe, want := range map[*corev1.Probe]string{container.StartupProbe: "/readyz", container.LivenessProbe: "/healthz"} {
		if probe.HTTPGet.Path != want || probe.HTTPGet.Port != port || probe.TimeoutSeconds > probe.PeriodSeconds {
			t.Errorf("a probe is %+v, want %s", probe, want)
		}
	}
	if limit := container.Resources.Limits.Memory().Value() >> 20; limit != 512 {
		t.Errorf("the memory is %d MiB, and GOMEMLIMIT is for 512", limit)
	}
}
