package deploy

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// PlanDestroy returns the steps that remove the server, in the reverse order of
// their creation. It changes nothing. It fails if the function is not ours, or if a
// user has added policies to the role; a role or log group that is not ours stays.
// The table of tasks goes only with tasks.
func (d *Deployer) PlanDestroy(ctx context.Context, name string, tasks bool) (*Plan, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	at, err := d.locate(ctx)
	if err != nil {
		return nil, explain(err, d.clients.region)
	}
	plan, err := d.planDestroy(ctx, at, name, tasks)
	return plan, explain(err, at.region)
}

func (d *Deployer) planDestroy(ctx context.Context, at location, name string, tasks bool) (*Plan, error) {
	p := &Plan{Account: at.account, Region: at.region, Name: name}
	p.again = func(ctx context.Context) (*Plan, error) { return d.planDestroy(ctx, at, name, tasks) }

	steps, err := d.functionRemoval(ctx, name)
	if err != nil {
		return nil, err
	}
	p.Steps = steps
	hadTasks := false
	for _, removal := range []func() ([]Step, error){
		func() ([]Step, error) { return d.logGroupRemoval(ctx, name) },
		func() ([]Step, error) {
			steps, had, err := d.roleRemoval(ctx, at, name)
			hadTasks = had
			return steps, err
		},
		func() ([]Step, error) { return d.tableRemoval(ctx, name, tasks, hadTasks) },
	} {
		steps, err := removal()
		switch {
		case errors.Is(err, errNotOurs):
			what, _, _ := strings.Cut(err.Error(), " "+errNotOurs.Error())
			steps = []Step{keep(what, "not made by mcpengine")}
		case err != nil:
			return nil, err
		}
		p.Steps = append(p.Steps, steps...)
	}
	return p, nil
}

// functionRemoval takes the function off the internet before it removes it.
// Its versions, its alias, its policy and its reserved concurrency go with it.
func (d *Deployer) functionRemoval(ctx context.Context, name string) ([]Step, error) {
	f, err := d.readFunction(ctx, name)
	if err != nil || f == nil {
		return nil, err
	}
	u, err := d.readURL(ctx, name)
	if err != nil {
		return nil, err
	}
	var steps []Step
	if u != nil {
		steps = append(steps, Step{Verb: "delete", What: "url", Detail: u.url, do: func(ctx context.Context) error {
			_, err := d.clients.lambda.DeleteFunctionUrlConfig(ctx, &lambda.DeleteFunctionUrlConfigInput{FunctionName: aws.String(name), Qualifier: aws.String(liveAlias)})
			return err
		}})
	}
	return append(steps, Step{Verb: "delete", What: "function " + name, do: func(ctx context.Context) error {
		_, err := d.clients.lambda.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: aws.String(name)})
		return err
	}}), nil
}

func (d *Deployer) logGroupRemoval(ctx context.Context, name string) ([]Step, error) {
	group, err := d.readLogGroup(ctx, name)
	if err != nil || group == nil {
		return nil, err
	}
	groupName := logGroupName(name)
	return []Step{{Verb: "delete", What: "log group " + groupName, Detail: "with all logs", do: func(ctx context.Context) error {
		_, err := d.clients.logs.DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: aws.String(groupName)})
		return err
	}}}, nil
}

// roleRemoval removes the role and our policies. It reports whether one of these is
// for tasks.
func (d *Deployer) roleRemoval(ctx context.Context, at location, name string) (steps []Step, hadTasks bool, err error) {
	r, err := d.readRole(ctx, at, name)
	if err != nil || r == nil {
		return nil, false, err
	}
	roleName := at.roleName(name)
	if err := d.readPolicies(ctx, roleName, r); err != nil {
		return nil, false, err
	}
	if len(r.attached) > 0 {
		policy := clean(r.attached[0])
		return nil, false, withHint(fmt.Errorf("role %s has policy %s, which mcpengine has not attached", roleName, policy),
			fmt.Sprintf("detach it with: aws iam detach-role-policy --role-name %s --policy-arn %s", roleName, policy))
	}
	for _, policy := range r.inline {
		if policy != logPolicy && policy != tasksPolicy {
			return nil, false, withHint(fmt.Errorf("role %s has the inline policy %s, which mcpengine has not written", roleName, clean(policy)),
				fmt.Sprintf("delete it with: aws iam delete-role-policy --role-name %s --policy-name %s", roleName, clean(policy)))
		}
		hadTasks = hadTasks || policy == tasksPolicy
		steps = append(steps, Step{Verb: "delete", What: "policy " + policy, do: func(ctx context.Context) error {
			return d.deletePolicy(ctx, roleName, policy)
		}})
	}
	return append(steps, Step{Verb: "delete", What: "role " + roleName, do: func(ctx context.Context) error {
		_, err := d.clients.iam.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: aws.String(roleName)})
		return err
	}}), hadTasks, nil
}
