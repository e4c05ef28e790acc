package deploy

import (
	"context"
	"fmt"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// A role holds the permissions of the function.
type role struct {
	logs     string   // our inline policy, as it is
	attached []string // ARNs of managed policies, which a user has added
	inline   []string // names of inline policies, ours and those that a user has written
}

// logPolicy is the name of the inline policy that lets the function write its own
// log, and nothing else. AWS's managed one is for every log group of the account.
const logPolicy = "mcpengine-log"

func (l location) logPolicyDocument(name string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:CreateLogStream","logs:PutLogEvents"],"Resource":"arn:%s:logs:%s:%s:log-group:%s:*"}]}`,
		l.partition, l.region, l.account, logGroupName(name))
}

// trustPolicy lets Lambda take on the role, on behalf of this account alone.
func (l location) trustPolicy() string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:SourceAccount":"%s"}}}]}`, l.account)
}

func (d *Deployer) readRole(ctx context.Context, at location, name string) (*role, error) {
	roleName := aws.String(at.roleName(name))
	out, err := d.clients.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: roleName})
	if isMissing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read role %s: %w", *roleName, err)
	}
	have := map[string]string{}
	for _, tag := range out.Role.Tags {
		have[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	if err := checkOwner("role "+*roleName, have, name); err != nil {
		return nil, err
	}
	r := &role{}
	policy, err := d.clients.iam.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: roleName, PolicyName: aws.String(logPolicy)})
	if isMissing(err) {
		return r, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read policy %s of role %s: %w", logPolicy, *roleName, err)
	}
	if r.logs, err = url.QueryUnescape(aws.ToString(policy.PolicyDocument)); err != nil {
		r.logs = "" // it is written anew
	}
	return r, nil
}

// readPolicies reads the policies of the role, which only its deletion needs.
func (d *Deployer) readPolicies(ctx context.Context, roleName string, r *role) error {
	out, err := d.clients.iam.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: aws.String(roleName)})
	if err != nil {
		return fmt.Errorf("read the policies of role %s: %w", roleName, err)
	}
	r.inline = out.PolicyNames
	// A role has 25 managed policies at most, so one page holds them all.
	attached, err := d.clients.iam.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: aws.String(roleName)})
	if err != nil {
		return fmt.Errorf("read the policies of role %s: %w", roleName, err)
	}
	for _, policy := range attached.AttachedPolicies {
		r.attached = append(r.attached, aws.ToString(policy.PolicyArn))
	}
	return nil
}

func (d *Deployer) roleSteps(t target, have *role) []Step {
	what := "role " + t.roleName(t.name)
	policy := "policy " + logPolicy
	steps := []Step{keep(what, ""), keep(policy, "")}
	if have == nil {
		steps[0] = Step{Verb: "create", What: what, Detail: "what the function may do", do: func(ctx context.Context) error {
			return d.createRole(ctx, t)
		}}
	}
	document := t.logPolicyDocument(t.name)
	if have == nil || have.logs != document {
		steps[1] = Step{Verb: "write", What: policy, Detail: "write its own log", do: func(ctx context.Context) error {
			_, err := d.clients.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{
				RoleName: aws.String(t.roleName(t.name)), PolicyName: aws.String(logPolicy), PolicyDocument: aws.String(document),
			})
			return err
		}}
	}
	return steps
}

func (d *Deployer) createRole(ctx context.Context, t target) error {
	in := &iam.CreateRoleInput{
		RoleName:                 aws.String(t.roleName(t.name)),
		AssumeRolePolicyDocument: aws.String(t.trustPolicy()),
		Description:              aws.String("What the MCP server " + t.name + " in " + t.region + " may do"),
	}
	for key, value := range tags(t.name) {
		in.Tags = append(in.Tags, iamtypes.Tag{Key: aws.String(key), Value: aws.String(value)})
	}
	_, err := d.clients.iam.CreateRole(ctx, in)
	return err
}
