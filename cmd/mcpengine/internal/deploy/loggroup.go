package deploy

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

// A logGroup holds the function's log. It is created before the function, because
// Lambda would create one that keeps, and charges for, the log without a limit.
type logGroup struct {
	retention int32 // days; 0 means forever
}

func (d *Deployer) readLogGroup(ctx context.Context, name string) (*logGroup, error) {
	groupName := logGroupName(name)
	found, err := d.findLogGroup(ctx, groupName)
	if err != nil || found == nil {
		return nil, err
	}
	out, err := d.clients.logs.ListTagsForResource(ctx, &cloudwatchlogs.ListTagsForResourceInput{
		// One form of the ARN ends in a wildcard for the streams.
		ResourceArn: aws.String(strings.TrimSuffix(aws.ToString(found.Arn), ":*")),
	})
	if err != nil {
		return nil, fmt.Errorf("read the tags of log group %s: %w", groupName, err)
	}
	if err := checkOwner("log group "+groupName, out.Tags, name); err != nil {
		return nil, err
	}
	return &logGroup{retention: aws.ToInt32(found.RetentionInDays)}, nil
}

// findLogGroup returns the group with exactly that name, or nil. AWS only searches by
// prefix, but in alphabetical order, so the group is the first of the answer.
func (d *Deployer) findLogGroup(ctx context.Context, groupName string) (*logstypes.LogGroup, error) {
	out, err := d.clients.logs.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{
		LogGroupNamePrefix: aws.String(groupName),
	})
	if err != nil {
		return nil, fmt.Errorf("read log group %s: %w", groupName, err)
	}
	for _, group := range out.LogGroups {
		if aws.ToString(group.LogGroupName) == groupName {
			return &group, nil
		}
	}
	return nil, nil
}

func (d *Deployer) logGroupSteps(t target, have *logGroup) []Step {
	groupName := aws.String(logGroupName(t.name))
	what, detail := "log group "+*groupName, "kept for "+plural(t.retention, "day")
	retain := func(ctx context.Context) error {
		_, err := d.clients.logs.PutRetentionPolicy(ctx, &cloudwatchlogs.PutRetentionPolicyInput{
			LogGroupName: groupName, RetentionInDays: aws.Int32(t.retention),
		})
		return err
	}
	switch {
	case have == nil:
		return []Step{{Verb: "create", What: what, Detail: detail, do: func(ctx context.Context) error {
			_, err := d.clients.logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{
				LogGroupName: groupName, Tags: tags(t.name),
			})
			if err != nil {
				return err
			}
			return retain(ctx)
		}}}
	case have.retention != t.retention:
		return []Step{{Verb: "update", What: what, Detail: detail, do: retain}}
	}
	return []Step{keep(what, detail)}
}

func plural(n int32, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}
