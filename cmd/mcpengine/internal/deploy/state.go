package deploy

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// A state holds the existing resources of a deployment, all of them ours. Missing
// resources are nil.
type state struct {
	role     *role
	logGroup *logGroup
	function *function
	live     *release
	url      *functionURL
	granted  []string // the statement ids of the alias's policy
	tasks    taskState
}

// locate returns the account of the credentials. It makes the first request, so that
// wrong credentials are noticed before anything else.
func (d *Deployer) locate(ctx context.Context) (location, error) {
	out, err := d.clients.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return location{}, fmt.Errorf("find out whose credentials these are: %w", err)
	}
	at := location{account: aws.ToString(out.Account), partition: "aws", region: d.clients.region}
	// arn:PARTITION:sts::ACCOUNT:assumed-role/…
	if parts := strings.SplitN(aws.ToString(out.Arn), ":", 3); len(parts) == 3 && parts[1] != "" {
		at.partition = parts[1]
	}
	return at, nil
}

// readFor reads the state, and what concerns tasks if there are or will be any.
func (d *Deployer) readFor(ctx context.Context, at location, spec Spec) (state, error) {
	s, err := d.read(ctx, at, spec.Name)
	if err == nil && (spec.wantsTasks(s) || s.hadTasks()) {
		err = d.readTasks(ctx, at, spec.Name, &s)
	}
	return s, err
}

// read reads the state. It fails if any resource belongs to somebody else, so that
// nothing is changed before all of them have been checked.
func (d *Deployer) read(ctx context.Context, at location, name string) (state, error) {
	var s state
	var err error
	if s.role, err = d.readRole(ctx, at, name); err != nil {
		return s, err
	}
	if s.logGroup, err = d.readLogGroup(ctx, name); err != nil {
		return s, err
	}
	if s.function, err = d.readFunction(ctx, name); err != nil || s.function == nil {
		return s, err
	}
	if s.live, err = d.readLive(ctx, name); err != nil || s.live == nil {
		return s, err
	}
	if s.url, err = d.readURL(ctx, name); err != nil {
		return s, err
	}
	s.granted, err = d.readGrants(ctx, name)
	return s, err
}
