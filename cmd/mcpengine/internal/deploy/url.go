package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// A functionURL is the address of the function on the internet. It belongs to the
// alias.
type functionURL struct {
	url         string
	stream, iam bool
}

func (d *Deployer) readURL(ctx context.Context, name string) (*functionURL, error) {
	out, err := d.clients.lambda.GetFunctionUrlConfig(ctx, &lambda.GetFunctionUrlConfigInput{FunctionName: aws.String(name), Qualifier: aws.String(liveAlias)})
	if isMissing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the URL of function %s: %w", name, err)
	}
	return &functionURL{
		url:    aws.ToString(out.FunctionUrl),
		stream: out.InvokeMode == types.InvokeModeResponseStream,
		iam:    out.AuthType == types.FunctionUrlAuthTypeAwsIam,
	}, nil
}

func (d *Deployer) urlSteps(t target, have *functionURL) []Step {
	auth, who := types.FunctionUrlAuthTypeNone, "public: anybody may call it"
	if t.iam {
		auth, who = types.FunctionUrlAuthTypeAwsIam, "only for callers that IAM lets in"
	}
	mode, how := types.InvokeModeBuffered, "answers buffered"
	if t.stream {
		mode, how = types.InvokeModeResponseStream, "answers streamed"
	}
	step := keep("url", who+"; "+how)
	switch {
	case have == nil:
		step.Verb, step.do = "create", func(ctx context.Context) error {
			_, err := d.clients.lambda.CreateFunctionUrlConfig(ctx, &lambda.CreateFunctionUrlConfigInput{
				FunctionName: aws.String(t.name), Qualifier: aws.String(liveAlias), AuthType: auth, InvokeMode: mode,
			})
			return err
		}
	case have.iam != t.iam || have.stream != t.stream:
		step.Verb, step.do = "update", func(ctx context.Context) error {
			_, err := d.clients.lambda.UpdateFunctionUrlConfig(ctx, &lambda.UpdateFunctionUrlConfigInput{
				FunctionName: aws.String(t.name), Qualifier: aws.String(liveAlias), AuthType: auth, InvokeMode: mode,
			})
			return err
		}
	}
	return []Step{step}
}

// A grant is a statement of the function's policy.
type grant struct {
	id     string
	action string
	when   string
}

// publicGrants let anybody call the function through its URL. AWS wants both
// for a public URL; with the first alone, which was enough before October 2025,
// every request is answered with 403.
var publicGrants = []grant{
	{"mcpengine-public-url", "lambda:InvokeFunctionUrl", "while the URL is public"},
	{"mcpengine-public-invoke", "lambda:InvokeFunction", "through the URL"},
}

// readGrants reads which statements the alias's policy has.
func (d *Deployer) readGrants(ctx context.Context, name string) ([]string, error) {
	out, err := d.clients.lambda.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: aws.String(name), Qualifier: aws.String(liveAlias)})
	if isMissing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the policy of function %s: %w", name, err)
	}
	var policy struct {
		Statement []struct{ Sid string }
	}
	if err := json.Unmarshal([]byte(aws.ToString(out.Policy)), &policy); err != nil {
		return nil, fmt.Errorf("read the policy of function %s: %w", name, err)
	}
	var ids []string
	for _, statement := range policy.Statement {
		ids = append(ids, statement.Sid)
	}
	return ids, nil
}

// grantSteps returns the steps that add or remove the permissions of the public.
// Statements that are not ours stay.
func (d *Deployer) grantSteps(t target, have []string) []Step {
	var steps []Step
	for _, g := range publicGrants {
		granted := slices.Contains(have, g.id)
		step := keep("permission "+g.action, "for anybody, "+g.when)
		switch {
		case t.iam && !granted:
			continue
		case t.iam:
			step.Verb, step.do = "remove", func(ctx context.Context) error { return d.removeGrant(ctx, t.name, g) }
		case !granted:
			step.Verb, step.do = "add", func(ctx context.Context) error { return d.addGrant(ctx, t.name, g) }
		}
		steps = append(steps, step)
	}
	return steps
}

// addGrant adds a statement. An existing one is a conflict like any other:
// [Deployer.apply] reads the state again, finds it and goes on.
func (d *Deployer) addGrant(ctx context.Context, name string, g grant) error {
	in := &lambda.AddPermissionInput{
		FunctionName: aws.String(name),
		Qualifier:    aws.String(liveAlias),
		StatementId:  aws.String(g.id),
		Action:       aws.String(g.action),
		Principal:    aws.String("*"),
	}
	if g.action == "lambda:InvokeFunctionUrl" {
		in.FunctionUrlAuthType = types.FunctionUrlAuthTypeNone
	} else {
		in.InvokedViaFunctionUrl = aws.Bool(true)
	}
	_, err := d.clients.lambda.AddPermission(ctx, in)
	return err
}

func (d *Deployer) removeGrant(ctx context.Context, name string, g grant) error {
	_, err := d.clients.lambda.RemovePermission(ctx, &lambda.RemovePermissionInput{
		FunctionName: aws.String(name), Qualifier: aws.String(liveAlias), StatementId: aws.String(g.id),
	})
	return err
}
