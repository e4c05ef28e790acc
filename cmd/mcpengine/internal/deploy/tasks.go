package deploy

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// TasksVariable tells the server the table of its durable tasks.
const TasksVariable = "MCPENGINE_TASKS_TABLE"

// tasksPolicy is the name of the inline policy that lets the function use its
// table of tasks and go on with them in invocations of itself: a task goes on in the
// version that it began in.
const tasksPolicy = "mcpengine-tasks"

func tableName(name string) string { return name + "-tasks" }

// Names in the table, as ext/tasks/aws uses it.
const (
	taskKey, partKey = "task", "part"
	ownerKey         = "owner"
	queueKey, atKey  = "queue", "at"
	expiryAttribute  = "ttl"
)

// A taskState is what there is for durable tasks. It is read only where they are
// asked for, so that other deployments need no permission for it.
type taskState struct {
	table   *table
	policy  string // our inline policy, as it is
	endless bool   // the function may invoke itself without end
}

type table struct {
	arn     string
	expires bool // items do
	busy    bool // it is being created
}

// wantsTasks reports whether the server has, or gets, durable tasks.
func (s Spec) wantsTasks(have state) bool {
	if s.Tasks != nil {
		return *s.Tasks
	}
	return have.hadTasks()
}

func (s state) hadTasks() bool { return s.function != nil && s.function.env[TasksVariable] != "" }

func (l location) tasksPolicyDocument(name string) string {
	table := fmt.Sprintf("arn:%s:dynamodb:%s:%s:table/%s", l.partition, l.region, l.account, tableName(name))
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[`+
		`{"Effect":"Allow","Action":["dynamodb:GetItem","dynamodb:PutItem","dynamodb:UpdateItem","dynamodb:DeleteItem","dynamodb:Query"],"Resource":"%s"},`+
		`{"Effect":"Allow","Action":["dynamodb:Query"],"Resource":"%s/index/*"},`+
		`{"Effect":"Allow","Action":["lambda:InvokeFunction"],"Resource":["%s","%[3]s:*"]}]}`,
		table, table, fmt.Sprintf("arn:%s:lambda:%s:%s:function:%s", l.partition, l.region, l.account, name))
}

func (d *Deployer) readTasks(ctx context.Context, at location, name string, have *state) error {
	var err error
	if have.tasks.table, err = d.readTable(ctx, name); err != nil {
		return err
	}
	if have.role != nil {
		policy, err := d.clients.iam.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: aws.String(at.roleName(name)), PolicyName: aws.String(tasksPolicy)})
		if err != nil && !isMissing(err) {
			return fmt.Errorf("read policy %s: %w", tasksPolicy, err)
		}
		if err == nil {
			if have.tasks.policy, err = url.QueryUnescape(aws.ToString(policy.PolicyDocument)); err != nil {
				have.tasks.policy = "unreadable" // it is written anew
			}
		}
	}
	if have.function == nil {
		return nil
	}
	loop, err := d.clients.lambda.GetFunctionRecursionConfig(ctx, &lambda.GetFunctionRecursionConfigInput{FunctionName: aws.String(name)})
	if err != nil {
		return fmt.Errorf("read the loop detection of function %s: %w", name, err)
	}
	have.tasks.endless = loop.RecursiveLoop == lambdatypes.RecursiveLoopAllow
	return nil
}

func (d *Deployer) readTable(ctx context.Context, name string) (*table, error) {
	tableName := aws.String(tableName(name))
	out, err := d.clients.dynamodb.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: tableName})
	if isMissing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read table %s: %w", *tableName, err)
	}
	t := &table{arn: aws.ToString(out.Table.TableArn), busy: out.Table.TableStatus == dynamodbtypes.TableStatusCreating}
	tags, err := d.clients.dynamodb.ListTagsOfResource(ctx, &dynamodb.ListTagsOfResourceInput{ResourceArn: &t.arn})
	if err != nil {
		return nil, fmt.Errorf("read the tags of table %s: %w", *tableName, err)
	}
	have := map[string]string{}
	for _, tag := range tags.Tags {
		have[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	if err := checkOwner("table "+*tableName, have, name); err != nil {
		return nil, err
	}
	expiry, err := d.clients.dynamodb.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: tableName})
	if err != nil {
		return nil, fmt.Errorf("read table %s: %w", *tableName, err)
	}
	if e := expiry.TimeToLiveDescription; e != nil {
		t.expires = slices.Contains([]dynamodbtypes.TimeToLiveStatus{dynamodbtypes.TimeToLiveStatusEnabled, dynamodbtypes.TimeToLiveStatusEnabling}, e.TimeToLiveStatus)
	}
	return t, nil
}

// taskSteps returns the steps before the function: its table, and what it may do
// with that. A server without tasks has none.
func (d *Deployer) taskSteps(t target, have state) []Step {
	if !t.tasks {
		if !have.hadTasks() || have.tasks.policy == "" {
			return nil
		}
		return []Step{{Verb: "delete", What: "policy " + tasksPolicy, Detail: "the table stays", do: func(ctx context.Context) error {
			return d.deletePolicy(ctx, t.roleName(t.name), tasksPolicy)
		}}}
	}
	what := "table " + tableName(t.name)
	steps := []Step{keep(what, "of durable tasks"), keep("policy "+tasksPolicy, "")}
	switch has := have.tasks.table; {
	case has == nil:
		steps[0] = Step{Verb: "create", What: what, Detail: "of durable tasks, paid by request", do: func(ctx context.Context) error {
			return d.createTable(ctx, t)
		}}
	case !has.expires || has.busy:
		steps[0].Verb, steps[0].Detail = "update", "tasks that have ended expire"
		steps[0].do = func(ctx context.Context) error { return d.expireItems(ctx, t.name) }
	}
	if document := t.tasksPolicyDocument(t.name); have.tasks.policy != document {
		steps[1] = Step{Verb: "write", What: "policy " + tasksPolicy, Detail: "use this table, invoke itself", do: func(ctx context.Context) error {
			_, err := d.clients.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{
				RoleName: aws.String(t.roleName(t.name)), PolicyName: aws.String(tasksPolicy), PolicyDocument: aws.String(document),
			})
			return err
		}}
	}
	return steps
}

// loopSteps lets the function invoke itself as often as a task needs. Lambda stops
// a function that has done so 16 times in a row.
func (d *Deployer) loopSteps(t target, have state) []Step {
	if !t.tasks {
		return nil
	}
	what := "loop detection"
	if have.tasks.endless {
		return []Step{keep(what, "")}
	}
	return []Step{{Verb: "allow", What: what, Detail: "a task invokes the function until it ends", do: func(ctx context.Context) error {
		_, err := d.clients.lambda.PutFunctionRecursionConfig(ctx, &lambda.PutFunctionRecursionConfigInput{
			FunctionName: aws.String(t.name), RecursiveLoop: lambdatypes.RecursiveLoopAllow,
		})
		return err
	}}}
}

func (d *Deployer) createTable(ctx context.Context, t target) error {
	index := func(name, hash, sort string) dynamodbtypes.GlobalSecondaryIndex {
		return dynamodbtypes.GlobalSecondaryIndex{
			IndexName: &name, KeySchema: keySchema(hash, sort),
			Projection: &dynamodbtypes.Projection{ProjectionType: dynamodbtypes.ProjectionTypeKeysOnly},
		}
	}
	in := &dynamodb.CreateTableInput{
		TableName: aws.String(tableName(t.name)), BillingMode: dynamodbtypes.BillingModePayPerRequest,
		KeySchema: keySchema(taskKey, partKey),
		GlobalSecondaryIndexes: []dynamodbtypes.GlobalSecondaryIndex{
			index("owner", ownerKey, taskKey), index("wake", queueKey, atKey),
		},
	}
	for _, name := range []string{taskKey, partKey, ownerKey, queueKey, atKey} {
		kind := dynamodbtypes.ScalarAttributeTypeS
		if name == atKey {
			kind = dynamodbtypes.ScalarAttributeTypeN
		}
		in.AttributeDefinitions = append(in.AttributeDefinitions, dynamodbtypes.AttributeDefinition{AttributeName: aws.String(name), AttributeType: kind})
	}
	for key, value := range tags(t.name) {
		in.Tags = append(in.Tags, dynamodbtypes.Tag{Key: aws.String(key), Value: aws.String(value)})
	}
	if _, err := d.clients.dynamodb.CreateTable(ctx, in); err != nil {
		return err
	}
	return d.expireItems(ctx, t.name)
}

func keySchema(hash, sort string) []dynamodbtypes.KeySchemaElement {
	return []dynamodbtypes.KeySchemaElement{
		{AttributeName: &hash, KeyType: dynamodbtypes.KeyTypeHash},
		{AttributeName: &sort, KeyType: dynamodbtypes.KeyTypeRange},
	}
}

const (
	tableAttempts = 120
	tablePause    = time.Second
)

// expireItems has items expire, as soon as the table is there.
func (d *Deployer) expireItems(ctx context.Context, name string) error {
	for attempt := 1; ; attempt++ {
		t, err := d.readTable(ctx, name)
		switch {
		case err != nil:
			return err
		case t != nil && !t.busy && t.expires:
			return nil
		case t != nil && !t.busy:
			_, err := d.clients.dynamodb.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
				TableName: aws.String(tableName(name)),
				TimeToLiveSpecification: &dynamodbtypes.TimeToLiveSpecification{
					AttributeName: aws.String(expiryAttribute), Enabled: aws.Bool(true),
				},
			})
			return err
		case attempt == tableAttempts:
			return errors.New("it is not ready after two minutes")
		}
		if err := d.wait(ctx, tablePause); err != nil {
			return err
		}
	}
}

func (d *Deployer) deletePolicy(ctx context.Context, roleName, policy string) error {
	_, err := d.clients.iam.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &roleName, PolicyName: &policy})
	return err
}

// tableRemoval removes the table, which holds what people have asked for, only when
// that is said.
func (d *Deployer) tableRemoval(ctx context.Context, name string, remove, had bool) ([]Step, error) {
	if !remove && !had {
		return nil, nil
	}
	what := "table " + tableName(name)
	if !remove {
		return []Step{keep(what, "it holds tasks: --tasks deletes it")}, nil
	}
	t, err := d.readTable(ctx, name)
	if err != nil || t == nil {
		return nil, err
	}
	return []Step{{Verb: "delete", What: what, Detail: "with all tasks", do: func(ctx context.Context) error {
		_, err := d.clients.dynamodb.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: aws.String(tableName(name))})
		return err
	}}}, nil
}
