package main

import (
	"context"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/ext/tasks/tasksclient"
	"github.com/mcpengine/mcpengine/internal/locallambda"
	"github.com/mcpengine/mcpengine/internal/mototest"
	"github.com/mcpengine/mcpengine/mcptest"
)

// On Lambda a report is written in several invocations, approved in between, and
// published once, although a process is killed on the way. The program is the one
// that is deployed.
func TestLambda(t *testing.T) {
	t.Parallel()
	url := mototest.Start(t)
	table := newTable(t, url)
	program := filepath.Join(t.TempDir(), "bootstrap")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	p, err := locallambda.New(t.Context(), locallambda.Options{
		Bootstrap: program, Instances: 4, Freeze: true, Timeout: 8 * time.Second, Log: os.Stderr,
		Retries: []time.Duration{time.Second, time.Second},
		Env: []string{
			"MCPENGINE_TASKS_TABLE=" + table, "AWS_ENDPOINT_URL_DYNAMODB=" + url, "APPROVAL_PACE=2s",
			"MCPENGINE_KEYS=" + "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	c, err := client.Connect(t.Context(), p.URL()+"/mcp", client.WithHandlers(client.Handlers{ElicitForm: mcptest.Accept(approval{Approve: true})}), tasksclient.Follow(0))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	kill := time.AfterFunc(5*time.Second, func() {
		for i := range 4 {
			p.Kill(i)
		}
	})
	defer kill.Stop()
	got, err := c.CallTool(t.Context(), "publish_report", report{Title: "Sales", Chapters: 3})
	if err != nil || got.Text() != `The report "Sales" is published.` {
		t.Errorf("%v, %v", got, err)
	}
	listed, err := c.CallTool(t.Context(), "list_reports", struct{}{})
	if err != nil || listed.Text() != `["Sales"]` {
		t.Errorf("published: %v, %v", listed, err)
	}
}

// newTable makes a table as the README of ext/tasks/aws describes it.
func newTable(t *testing.T, url string) string {
	t.Helper()
	c := dynamodb.New(dynamodb.Options{
		Region: "eu-west-1", BaseEndpoint: &url,
		Credentials: sdk.CredentialsProviderFunc(func(context.Context) (sdk.Credentials, error) {
			return sdk.Credentials{AccessKeyID: locallambda.AccessKey, SecretAccessKey: "secret"}, nil
		}),
	})
	table := "approval-" + rand.Text()
	schema := func(hash, sort string) []types.KeySchemaElement {
		return []types.KeySchemaElement{{AttributeName: &hash, KeyType: types.KeyTypeHash}, {AttributeName: &sort, KeyType: types.KeyTypeRange}}
	}
	index := func(name, hash, sort string) types.GlobalSecondaryIndex {
		return types.GlobalSecondaryIndex{IndexName: &name, KeySchema: schema(hash, sort), Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}}
	}
	in := &dynamodb.CreateTableInput{
		TableName: &table, BillingMode: types.BillingModePayPerRequest, KeySchema: schema("task", "part"),
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{index("owner", "owner", "task"), index("wake", "queue", "at")},
	}
	for name, kind := range map[string]types.ScalarAttributeType{"task": "S", "part": "S", "owner": "S", "queue": "S", "at": "N"} {
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: &name, AttributeType: kind})
	}
	if _, err := c.CreateTable(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	return table
}
