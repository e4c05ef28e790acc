package deploy

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// concurrencySteps reserves concurrency, which also limits it. Zero takes the
// reservation away; a reservation of zero would stop the function.
func (d *Deployer) concurrencySteps(t target, have *function) []Step {
	var now int32
	if have != nil {
		now = aws.ToInt32(have.concurrency)
	}
	const what = "concurrency"
	switch {
	case t.concurrency == nil && now == 0:
		return nil
	case t.concurrency == nil || *t.concurrency == now:
		return []Step{keep(what, plural(now, "request")+" at once")}
	case *t.concurrency == 0:
		return []Step{{Verb: "remove", What: what, Detail: "no limit but the account's", do: func(ctx context.Context) error {
			_, err := d.clients.lambda.DeleteFunctionConcurrency(ctx, &lambda.DeleteFunctionConcurrencyInput{
				FunctionName: aws.String(t.name),
			})
			return err
		}}}
	}
	return []Step{{Verb: "reserve", What: what, Detail: plural(*t.concurrency, "request") + " at once", do: func(ctx context.Context) error {
		_, err := d.clients.lambda.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{
			FunctionName: aws.String(t.name), ReservedConcurrentExecutions: t.concurrency,
		})
		if t.bounded && is(err, "InvalidParameterValueException") {
			d.say("the account has no concurrency to reserve: its own limit bounds the function")
			return nil
		}
		return err
	}}}
}
