package deploy

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// A role is what the function may do in AWS.
type role struct {
	attached []string // ARNs of managed policies, ours and those a user has added
	inline   []string // names of policies a user has written into the role
}

// trustPolicy lets Lambda, and nobody else, take on the role.
const trustPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

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
	// A role has 25 managed policies at most, so one page holds them all.
	attached, err := d.clients.iam.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: roleName})
	if err != nil {
		return nil, fmt.Errorf("read the policies of role %s: %w", *roleName, err)
	}
	for _, policy := range attached.AttachedPolicies {
		r.attached = append(r.attached, aws.ToString(policy.PolicyArn))
	}
	return r, nil
}

// readInline reads what only a destruction needs to know.
func (d *Deployer) readInline(ctx context.Context, roleName string, r *role) error {
	out, err := d.clients.iam.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: aws.String(roleName)})
	if err != nil {
		return fmt.Errorf("read the policies of role %s: %w", roleName, err)
	}
	r.inline = out.PolicyNames
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
	if have == nil || !slices.Contains(have.attached, t.logPolicyARN()) {
		steps[1] = Step{Verb: "attach", What: policy, Detail: "write its log", do: func(ctx context.Context) error {
			_, err := d.clients.iam.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{
				RoleName: aws.String(t.roleName(t.name)), PolicyArn: aws.String(t.logPolicyARN()),
			})
			return err
		}}
	}
	return steps
}

func (d *Deployer) createRole(ctx context.Context, t target) error {
	in := &iam.CreateRoleInput{
		RoleName:                 aws.String(t.roleName(t.name)),
		AssumeRolePolicyDocument: aws.String(trustPolicy),
		Description:              aws.String("What the MCP server " + t.name + " in " + t.region + " may do"),
	}
	for key, value := range tags(t.name) {
		in.Tags = append(in.Tags, iamtypes.Tag{Key: aws.String(key), Value: aws.String(value)})
	}
	_, err := d.clients.iam.CreateRole(ctx, in)
	return err
}
