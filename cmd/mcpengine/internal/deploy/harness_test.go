package deploy_test

import (
	"context"
	"flag"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy/fakeaws"
	"github.com/mcpengine/mcpengine/mcp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// binary stands for a server that has been built.
var binary = []byte("#!/bin/sh\n# a server\n")

// A cloud is an AWS account with an address.
type cloud struct {
	*fakeaws.Server
	address string
}

// serve starts an AWS account in which functions are a real engine.
func serve(t *testing.T) *cloud {
	t.Helper()
	fake := &fakeaws.Server{
		Function: mcpengine.New("weather", mcpengine.WithImplementation(mcp.Implementation{Version: "1.0"})),
	}
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	return &cloud{fake, server.URL}
}

// connect returns a deployer that talks to AWS at the address through the SDK,
// and never waits.
func connect(address string, config deploy.Config) *deploy.Deployer {
	clients := deploy.NewClients(aws.Config{
		Region:       fakeaws.Region,
		BaseEndpoint: aws.String(address),
		Credentials:  credentials.NewStaticCredentialsProvider("AKIATEST", "secret", ""),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
			})
		},
	})
	if config.Wait == nil {
		config.Wait = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	}
	return deploy.New(clients, config)
}

// built is a [deploy.Builder] that has the executable already.
func built(binary []byte) deploy.Builder {
	return func(_ context.Context, arch string) (deploy.Code, error) {
		return deploy.NewCode(arch, binary)
	}
}

// apply plans and applies.
func apply(ctx context.Context, d *deploy.Deployer, spec deploy.Spec) error {
	plan, err := d.Plan(ctx, spec, built(binary))
	if err != nil {
		return err
	}
	return d.Apply(ctx, plan)
}

// deployed is a fake on which the spec is deployed.
func deployed(t *testing.T, spec deploy.Spec) *cloud {
	t.Helper()
	fake := serve(t)
	if err := apply(t.Context(), connect(fake.address, deploy.Config{}), spec); err != nil {
		t.Fatalf("first deployment: %v", err)
	}
	fake.Forget()
	return fake
}

// whole is all that a deployment with defaults consists of.
var whole = []string{
	"alias weather:live of version 1",
	"function weather",
	"function weather with concurrency 10",
	"log group /aws/lambda/weather for 14 days",
	"permission lambda:InvokeFunction of weather:live",
	"permission lambda:InvokeFunctionUrl of weather:live",
	"role mcpengine-weather-eu-central-1",
	"role mcpengine-weather-eu-central-1 with its own mcpengine-log",
	"url of weather:live, NONE, BUFFERED",
}

func checkResources(t *testing.T, fake *cloud, want []string) {
	t.Helper()
	if diff := cmp.Diff(want, fake.Resources()); diff != "" {
		t.Errorf("resources (-want +got):\n%s", diff)
	}
}

// writes are the operations that change something.
func writes(fake *cloud) []string {
	var all []string
	for _, call := range fake.Calls() {
		if fakeaws.IsWrite(call) {
			all = append(all, call)
		}
	}
	return all
}

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}
