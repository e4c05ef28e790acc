package deploy_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy/fakeaws"
)

// isolate hides the AWS configuration of the machine.
func isolate(t *testing.T, env map[string]string) {
	t.Helper()
	for _, name := range []string{
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION",
		"AWS_CA_BUNDLE", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_WEB_IDENTITY_TOKEN_FILE",
	} {
		t.Setenv(name, "")
	}
	nowhere := filepath.Join(t.TempDir(), "none")
	t.Setenv("AWS_CONFIG_FILE", nowhere)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", nowhere)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	for name, value := range env {
		t.Setenv(name, value)
	}
}

// The environment is enough, AWS_ENDPOINT_URL included, and a region that is
// named wins over it.
func TestConnect(t *testing.T) {
	fake := serve(t)
	isolate(t, map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "secret",
		"AWS_REGION": fakeaws.Region, "AWS_ENDPOINT_URL": fake.address,
	})
	clients, err := deploy.Connect(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := apply(t.Context(), deploy.New(clients, deploy.Config{}), deploy.Spec{Name: "weather"}); err != nil {
		t.Fatal(err)
	}
	checkResources(t, fake, whole)

	clients, err = deploy.Connect(t.Context(), "us-east-1", "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = deploy.New(clients, deploy.Config{}).Find(t.Context(), "weather", "mcp")
	if err == nil || !strings.Contains(deploy.Hint(err), "us-east-1") {
		t.Errorf("Find in another region: %v, hint %q", err, deploy.Hint(err))
	}
}

func TestConnectFails(t *testing.T) {
	tests := []struct {
		name, region, profile string
		want, hint            string
	}{
		{"no region", "", "", "no AWS region is set", "--region us-east-1"},
		{"no credentials", "us-east-1", "", "there are no AWS credentials", "aws sso login"},
		{"no such profile", "us-east-1", "work", "work", "aws configure list-profiles"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			isolate(t, nil)
			_, err := deploy.Connect(t.Context(), test.region, test.profile)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(deploy.Hint(err), test.hint) {
				t.Errorf("Connect: %v, hint %q", err, deploy.Hint(err))
			}
		})
	}
}
