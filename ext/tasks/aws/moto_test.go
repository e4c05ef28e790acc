package aws_test

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"sync"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/mcpengine/mcpengine/internal/locallambda"
	"github.com/mcpengine/mcpengine/internal/mototest"
)

// moto stands in for DynamoDB: one server for all tests, which have a table each.
var moto motoServer

type motoServer struct {
	mu     sync.Mutex
	server *mototest.Server
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
	if moto.server != nil {
		moto.server.Stop()
	}
}

// start returns the address of moto's server. The test is skipped where there is
// none.
func (s *motoServer) start(t *testing.T) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server == nil {
		server, err := mototest.Launch(context.Background()) //nolint:usetesting // it outlives the test
		if errors.Is(err, mototest.ErrMissing) {
			t.Skip("out of reach: " + err.Error())
		}
		if err != nil {
			t.Fatal(err)
		}
		s.server = server
	}
	return s.server.URL
}

// config returns how AWS is called at an address.
func config(url string) sdk.Config {
	return sdk.Config{
		Region: "eu-west-1", BaseEndpoint: &url,
		Credentials: sdk.CredentialsProviderFunc(func(context.Context) (sdk.Credentials, error) {
			return sdk.Credentials{AccessKeyID: locallambda.AccessKey, SecretAccessKey: "secret"}, nil
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
