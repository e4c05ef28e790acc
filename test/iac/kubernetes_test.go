package iac_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"
)

const (
	kubernetes = "deploy/kubernetes"
	chart      = kubernetes + "/chart"
	base       = kubernetes + "/base"
)

var update = flag.Bool("update", false, "rewrite the manifests of deploy/kubernetes/base")

// Everything that the chart can render.
var everything = []string{
	"--set", "image=registry.example/board:1.2.3,cpu=500m,memoryMiB=512,drainSeconds=20,shutdownSeconds=60",
	"--set", "autoscaling.enabled=false,replicas=3,bus.kind=redis,service.type=LoadBalancer,serviceAccountName=board",
	"--set", "telemetry.otlpEndpoint=http://collector.observe:4318,telemetry.metrics=true,telemetry.serviceMonitor=true",
	"--set", "env.LOG_LEVEL=debug,env.WORKERS=4,secretEnv.TOKEN.secret=board,secretEnv.TOKEN.key=token",
	"--set", "imagePullSecrets[0].name=registry,nodeSelector.arch=arm64,tolerations[0].operator=Exists,podAnnotations.team=a",
	"--set", "networkPolicy.from[0].namespaceSelector.matchLabels.name=ingress",
	"--set", "networkPolicy.egress[0].ports[0].port=443",
}

// helm returns the path of Helm.
func helm(t *testing.T) string {
	t.Helper()
	program, err := filepath.Abs(filepath.Join(repository, ".tools/helm/helm"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err == nil {
		return program
	}
	if program, err = exec.LookPath("helm"); err != nil {
		t.Skip("helm is not installed: run scripts/install-helm")
	}
	return program
}

// render returns what the chart renders, by the name of the template. Helm 4 leaves
// an empty line after some objects, Helm 3 does not.
func render(t *testing.T, args ...string) map[string]string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), helm(t), append([]string{"template", "mcp-server", path.Join(repository, chart)}, args...)...)
	var failure strings.Builder
	cmd.Stderr = &failure
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("helm template: %v\n%s", err, failure.String())
	}
	found := map[string]string{}
	for document := range strings.SplitSeq(string(out), "---\n") {
		name, text, ok := strings.Cut(document, "\n")
		if ok {
			found[strings.TrimPrefix(name, "# Source: mcp-server/templates/")] = strings.TrimRight(text, "\n") + "\n"
		}
	}
	return found
}

// manifests returns the manifests for kustomize.
func manifests(t *testing.T) map[string]string {
	t.Helper()
	var list struct {
		metav1.TypeMeta `json:",inline"`
		Resources       []string `json:"resources"`
	}
	if err := yaml.UnmarshalStrict([]byte(read(t, base+"/kustomization.yaml")), &list); err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, name := range list.Resources {
		found[name] = read(t, path.Join(base, name))
	}
	return found
}

// The manifests are the chart's default output: there is one source.
func TestManifestsAreTheCharts(t *testing.T) {
	t.Parallel()
	rendered := render(t)
	if *update {
		for name, text := range rendered {
			write(t, path.Join(repository, base, name), text)
		}
	}
	if diff := cmp.Diff(rendered, manifests(t)); diff != "" {
		t.Errorf("run go test -run Manifests -update (-chart +manifests):\n%s", diff)
	}
}

func TestChartLint(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), helm(t), "lint", "--strict", path.Join(repository, chart)).CombinedOutput()
	if err != nil {
		t.Errorf("helm lint: %v\n%s", err, out)
	}
}

// The schema of the chart's values refuses what would fail in the cluster.
func TestChartRefuses(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		"image=", "replicas=0", "replica=2", "drainSeconds=-1", "memoryMiB=16", "cpu=much", "keysSecret=My Keys",
		"bus.kind=kafka", "bus.port=70000", "service.type=ExternalName", "env.NOT-A-NAME=1", "secretEnv.TOKEN.secret=board",
		"telemetry.otlpEndpoint=collector:4318", "telemetry.serviceMonitor=true", "autoscaling.cpuUtilization=0",
		"networkPolicy.from=everybody", "autoscaling.minReplicas=0", "autoscaling.minReplicas=11",
	} {
		cmd := exec.CommandContext(t.Context(), helm(t), "template", "mcp-server", path.Join(repository, chart), "--set", value)
		out, err := cmd.CombinedOutput()
		name, _, _ := strings.Cut(value, "=")
		if err == nil || !strings.Contains(string(out), name[strings.LastIndex(name, ".")+1:]) {
			t.Errorf("with %s: %v, want that it is refused by its name\n%.500s", value, err, out)
		}
	}
}

// Every value of the chart is in the schema, and the other way round.
func TestChartValues(t *testing.T) {
	t.Parallel()
	type schema struct {
		Properties map[string]struct {
			Properties map[string]any `json:"properties"`
		} `json:"properties"`
	}
	var known schema
	if err := yaml.Unmarshal([]byte(read(t, chart+"/values.schema.json")), &known); err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if err := yaml.UnmarshalStrict([]byte(read(t, chart+"/values.yaml")), &values); err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for name, property := range known.Properties {
		if name == "global" { // Helm's own
			continue
		}
		want = append(want, name)
		for below := range property.Properties {
			want = append(want, name+"."+below)
		}
	}
	for name, value := range values {
		got = append(got, name)
		if nested, ok := value.(map[string]any); ok {
			for below := range nested {
				got = append(got, name+"."+below)
			}
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the schema and values.yaml differ (-schema +values):\n%s", diff)
	}
}

// A cluster is what the manifests make.
type cluster struct {
	deployment *appsv1.Deployment
	service    *corev1.Service
	budget     *policyv1.PodDisruptionBudget
	scaler     *autoscalingv2.HorizontalPodAutoscaler
	policy     *networkingv1.NetworkPolicy
	monitor    *serviceMonitor
}

// A serviceMonitor is the part of the Prometheus operator's type that the chart uses.
type serviceMonitor struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec struct {
		Selector  metav1.LabelSelector `json:"selector"`
		Endpoints []struct {
			Port string `json:"port"`
		} `json:"endpoints"`
	} `json:"spec"`
}

// decode reads the manifests into the types of Kubernetes, strictly: a member that
// a type lacks, and a name that is given twice, are errors.
func decode(t *testing.T, texts map[string]string) (c cluster) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		kinds := map[string]any{
			"apps/v1 Deployment":                      &c.deployment,
			"v1 Service":                              &c.service,
			"policy/v1 PodDisruptionBudget":           &c.budget,
			"autoscaling/v2 HorizontalPodAutoscaler":  &c.scaler,
			"networking.k8s.io/v1 NetworkPolicy":      &c.policy,
			"monitoring.coreos.com/v1 ServiceMonitor": &c.monitor,
		}
		var kind metav1.TypeMeta
		if err := yaml.Unmarshal([]byte(texts[name]), &kind); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		into, ok := kinds[kind.APIVersion+" "+kind.Kind]
		if !ok {
			t.Fatalf("%s is a %s of %s, which no test knows", name, kind.Kind, kind.APIVersion)
		}
		if err := yaml.UnmarshalStrict([]byte(texts[name]), into); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
	return c
}

func (c *cluster) pod() *corev1.PodSpec         { return &c.deployment.Spec.Template.Spec }
func (c *cluster) container() *corev1.Container { return &c.pod().Containers[0] }
func (c *cluster) variable(name string) string {
	for _, v := range c.container().Env {
		if v.Name == name {
			return v.Value
		}
	}
	return ""
}

// port reports whether the container has a port of that name.
func (c *cluster) port(name string) bool {
	return slices.ContainsFunc(c.container().Ports, func(p corev1.ContainerPort) bool { return p.Name == name })
}

func TestKubernetes(t *testing.T) {
	t.Parallel()
	for name, texts := range map[string]func(*testing.T) map[string]string{
		"manifests":  manifests,
		"everything": func(t *testing.T) map[string]string { return render(t, everything...) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := decode(t, texts(t))
			checkSelectors(t, &c)
			checkPorts(t, &c)
			checkRollout(t, &c)
			checkSecurity(t, &c)
		})
	}
}

// checkSelectors: everything is about the pods of the Deployment.
func checkSelectors(t *testing.T, c *cluster) {
	t.Helper()
	labels := c.deployment.Spec.Template.Labels
	for what, selector := range map[string]map[string]string{
		"Deployment":          c.deployment.Spec.Selector.MatchLabels,
		"Service":             c.service.Spec.Selector,
		"PodDisruptionBudget": c.budget.Spec.Selector.MatchLabels,
		"NetworkPolicy":       c.policy.Spec.PodSelector.MatchLabels,
		"spread":              c.pod().TopologySpreadConstraints[0].LabelSelector.MatchLabels,
	} {
		if diff := cmp.Diff(labels, selector); diff != "" {
			t.Errorf("the selector of the %s (-pods +selector):\n%s", what, diff)
		}
	}
	if c.scaler != nil {
		want := autoscalingv2.CrossVersionObjectReference{APIVersion: c.deployment.APIVersion, Kind: c.deployment.Kind, Name: c.deployment.Name}
		if diff := cmp.Diff(want, c.scaler.Spec.ScaleTargetRef); diff != "" {
			t.Errorf("the autoscaler scales (-want +got):\n%s", diff)
		}
	}
	if (c.scaler == nil) == (c.deployment.Spec.Replicas == nil) {
		t.Error("the autoscaler or the Deployment sets the replicas, and never both")
	}
	if c.monitor != nil {
		if diff := cmp.Diff(c.service.Labels, c.monitor.Spec.Selector.MatchLabels); diff != "" {
			t.Errorf("the selector of the ServiceMonitor (-service +selector):\n%s", diff)
		}
	}
}

// checkPorts: probes, Service and NetworkPolicy use ports that the container has,
// and the server listens on them.
func checkPorts(t *testing.T, c *cluster) {
	t.Helper()
	http := c.container().Ports[0]
	if got := c.variable("PORT"); http.Name != "http" || got != strconv.Itoa(int(http.ContainerPort)) {
		t.Errorf("PORT is %s, and the container's port is %+v", got, http)
	}
	for probe, want := range map[*corev1.Probe]string{
		c.container().StartupProbe: "/healthz", c.container().LivenessProbe: "/healthz", c.container().ReadinessProbe: "/readyz",
	} {
		if got := probe.HTTPGet; got.Path != want || got.Port != intstr.FromString("http") {
			t.Errorf("a probe asks for %s on %s, want %s on http", got.Path, got.Port.String(), want)
		}
	}
	for _, p := range c.service.Spec.Ports {
		if !c.port(p.TargetPort.String()) {
			t.Errorf("the Service leads to the port %s, which the container lacks", p.TargetPort.String())
		}
	}
	var allowed []string
	for _, rule := range c.policy.Spec.Ingress {
		for _, p := range rule.Ports {
			allowed = append(allowed, p.Port.String())
		}
	}
	var named []string
	for _, p := range c.container().Ports {
		named = append(named, p.Name)
	}
	if diff := cmp.Diff(named, allowed); diff != "" {
		t.Errorf("the ports that the NetworkPolicy allows (-container +policy):\n%s", diff)
	}
	if c.monitor != nil && !slices.ContainsFunc(c.service.Spec.Ports, func(p corev1.ServicePort) bool { return p.Name == c.monitor.Spec.Endpoints[0].Port }) {
		t.Errorf("the ServiceMonitor scrapes the port %s, which the Service lacks", c.monitor.Spec.Endpoints[0].Port)
	}
}

// checkRollout: a new replica is ready before an old one is told to stop, and the
// old one has the time that it needs.
func checkRollout(t *testing.T, c *cluster) {
	t.Helper()
	drain, err := time.ParseDuration(c.variable("MCPENGINE_DRAIN_DELAY"))
	if err != nil || drain <= 0 {
		t.Errorf("MCPENGINE_DRAIN_DELAY is %v, %v", drain, err)
	}
	shutdown := 10 * time.Second // HTTPConfig.ShutdownTimeout
	if drain == 20*time.Second {
		shutdown = time.Minute // of everything
	}
	grace := time.Duration(*c.pod().TerminationGracePeriodSeconds) * time.Second
	if need := drain + shutdown + 2*time.Second; grace < need {
		t.Errorf("the kubelet kills a pod after %v, and the server needs %v", grace, need)
	}
	if c.container().Lifecycle != nil {
		t.Error("there is a hook, and the server needs none")
	}
	update := c.deployment.Spec.Strategy.RollingUpdate
	if update.MaxUnavailable.IntValue() != 0 || update.MaxSurge.IntValue() < 1 {
		t.Errorf("the Deployment takes replicas away before new ones are ready: %+v", update)
	}
	if got := c.budget.Spec.MaxUnavailable.IntValue(); got != 1 {
		t.Errorf("the PodDisruptionBudget allows %d replicas to be away, want 1", got)
	}
	limit := c.container().Resources.Limits.Memory().Value() >> 20
	if got := c.variable("GOMEMLIMIT"); got != fmt.Sprintf("%dMiB", limit*9/10) {
		t.Errorf("GOMEMLIMIT is %s of %d MiB", got, limit)
	}
}

// checkSecurity: the pod fits the restricted Pod Security Standard, and the keys
// are in a secret alone.
func checkSecurity(t *testing.T, c *cluster) {
	t.Helper()
	pod, own := c.pod().SecurityContext, c.container().SecurityContext
	switch {
	case !*pod.RunAsNonRoot || *pod.RunAsUser == 0:
		t.Error("the pod may run as root")
	case pod.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault:
		t.Errorf("the seccomp profile is %s", pod.SeccompProfile.Type)
	case *own.AllowPrivilegeEscalation || !*own.ReadOnlyRootFilesystem || !slices.Equal(own.Capabilities.Drop, []corev1.Capability{"ALL"}):
		t.Errorf("the container has more rights than it needs: %+v", own)
	case *c.pod().AutomountServiceAccountToken:
		t.Error("the pod gets a token of the cluster")
	}
	volume, mount := c.pod().Volumes[0], c.container().VolumeMounts[0]
	if volume.Secret == nil || *volume.Secret.DefaultMode != 0o440 || volume.Name != mount.Name || !mount.ReadOnly ||
		c.variable("MCPENGINE_KEYS") != "@"+mount.MountPath+"/"+volume.Secret.Items[0].Path {
		t.Errorf("the keys are not the secret's: %+v, %+v", volume, mount)
	}
}

// The optional parts of the chart: a bus, telemetry, and what the server may reach.
func TestChartOptions(t *testing.T) {
	t.Parallel()
	c := decode(t, render(t, everything...))
	secrets, values := map[string]string{}, map[string]string{}
	for _, v := range c.container().Env {
		switch {
		case v.ValueFrom == nil:
			values[v.Name] = v.Value
		case v.ValueFrom.SecretKeyRef != nil:
			secrets[v.Name] = v.ValueFrom.SecretKeyRef.Name + "/" + v.ValueFrom.SecretKeyRef.Key
		}
	}
	if diff := cmp.Diff(map[string]string{"REDIS_URL": "mcp-server-bus/url", "TOKEN": "board/token"}, secrets); diff != "" {
		t.Errorf("secrets (-want +got):\n%s", diff)
	}
	want := map[string]string{
		"PORT": "8080", "MCPENGINE_KEYS": "@/run/secrets/mcpengine/keys", "MCPENGINE_DRAIN_DELAY": "20s", "GOMEMLIMIT": "460MiB",
		"OTEL_SERVICE_NAME": "mcp-server", "OTEL_RESOURCE_ATTRIBUTES": "service.instance.id=$(POD_NAME),k8s.pod.name=$(POD_NAME)",
		"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector.observe:4318",
		"OTEL_METRICS_EXPORTER": "prometheus", "OTEL_EXPORTER_PROMETHEUS_HOST": "0.0.0.0", "OTEL_EXPORTER_PROMETHEUS_PORT": "9464",
		"LOG_LEVEL": "debug", "WORKERS": "4",
	}
	if diff := cmp.Diff(want, values); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
	var reach []string
	for _, rule := range c.policy.Spec.Egress {
		for _, p := range rule.Ports {
			reach = append(reach, p.Port.String())
		}
	}
	if diff := cmp.Diff([]string{"53", "53", "6379", "4318", "443"}, reach); diff != "" {
		t.Errorf("the ports that the server may reach (-want +got):\n%s", diff)
	}
	if from := c.policy.Spec.Ingress[0].From; len(from) != 1 || from[0].NamespaceSelector.MatchLabels["name"] != "ingress" {
		t.Errorf("requests may come from %+v", from)
	}
}

// The README names every value of the chart.
func TestKubernetesReadme(t *testing.T) {
	t.Parallel()
	readme := read(t, kubernetes+"/README.md")
	for _, name := range regexp.MustCompile(`(?m)^(\w+):`).FindAllStringSubmatch(read(t, chart+"/values.yaml"), -1) {
		if !strings.Contains(readme, "`"+name[1]) {
			t.Errorf("README.md does not speak of %s", name[1])
		}
	}
}
