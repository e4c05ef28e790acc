package aws_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/mcpengine/mcpengine/internal/lambdatest"
)

// moto stands in for DynamoDB: one server for all tests, which have a table each.
var moto motoServer

type motoServer struct {
	mu   sync.Mutex
	cmd  *exec.Cmd
	read chan struct{}
	url  string
}

// TestMain makes the test's own program the function that is killed.
func TestMain(m *testing.M) {
	if table := os.Getenv(tableVariable); table != "" {
		if err := serveLedger(table); err != nil {
			panic(err)
		}
		return
	}
	m.Run() // go test ends the process by the result
	moto.stop()
}

// start returns the address of moto's server. The test is skipped where there is
// none.
func (s *motoServer) start(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("moto_server")
	if err != nil {
		t.Skip("moto's server is not installed: scripts/install-python")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.url != "" {
		return s.url
	}
	// It chooses the port: one that the test chose could be gone by then.
	s.cmd = exec.CommandContext(context.Background(), program, "-H", "127.0.0.1", "-p", "0")
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	address := make(chan string, 1)
	s.read = make(chan struct{})
	go func() {
		defer close(s.read)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			if _, found, ok := strings.Cut(lines.Text(), "Running on "); ok {
				address <- found
				break
			}
		}
		_, _ = io.Copy(io.Discard, stderr) // so that it never waits for a reader
	}()
	select {
	case s.url = <-address:
	case <-s.read:
		t.Fatal("moto has ended")
	case <-time.After(2 * time.Minute):
		t.Fatal("moto does not start")
	}
	return s.url
}

func (s *motoServer) stop() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	<-s.read
	_ = s.cmd.Wait() // it was killed, which is no news
}

// config returns how AWS is called at an address.
func config(url string) sdk.Config {
	return sdk.Config{
		Region: "eu-west-1", BaseEndpoint: &url,
		Credentials: sdk.CredentialsProviderFunc(func(context.Context) (sdk.Credentials, error) {
			return sdk.Credentials{AccessKeyID: lambdatest.AccessKey, SecretAccessKey: "secret"}, nil
		}),
	}
}

// newTable makes a table as the README describes it.
func newTable(t *testing.T, url string) (table string, client *dynamodb.Client) {
	t.Helper()
	client = dynamodb.NewFromConfig(config(url))
	table = "tasks-" + rand.Text()
	hash := func(name string) types.KeySchemaElement {
		return types.KeySchemaElement{AttributeName: &name, KeyType: types.KeyTypeHash}
	}
	ranged := func(name string) types.KeySchemaElement {
		return types.KeySchemaElement{AttributeName: &name, KeyType: types.KeyTypeRange}
	}
	keysOnly := &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}
	var attributes []types.AttributeDefinition
	for name, kind := range map[string]types.ScalarAttributeType{
		"task": types.ScalarAttributeTypeS, "part": types.ScalarAttributeTypeS, "owner": types.ScalarAttributeTypeS,
		"queue": types.ScalarAttributeTypeS, "at": types.ScalarAttributeTypeN,
	} {
		attributes = append(attributes, types.AttributeDefinition{AttributeName: &name, AttributeType: kind})
	}
	if _, err := client.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: &table, BillingMode: types.BillingModePayPerRequest, AttributeDefinitions: attributes,
		KeySchema: []types.KeySchemaElement{hash("task"), ranged("part")},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{
			{IndexName: sdk.String("owner"), KeySchema: []types.KeySchemaElement{hash("owner"), ranged("task")}, Projection: keysOnly},
			{IndexName: sdk.String("wake"), KeySchema: []types.KeySchemaElement{hash("queue"), ranged("at")}, Projection: keysOnly},
		},
	}); err != nil {
		t.Fatal(err)
	}
	return table, client
}
