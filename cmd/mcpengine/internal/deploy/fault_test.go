package deploy_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy/fakeaws"
)

// limited is a deployment with everything.
var limited = deploy.Spec{Name: "weather", Concurrency: new(int32(3))}

// A scenario is a run whose every request is made to fail.
type scenario struct {
	name       string
	start      func(*testing.T) *cloud
	run        func(context.Context, *deploy.Deployer) error
	operations []string
	end        []string // the resources when it is done
}

var scenarios = []scenario{
	{
		name:  "create",
		start: serve,
		run:   func(ctx context.Context, d *deploy.Deployer) error { return apply(ctx, d, limited) },
		operations: []string{
			"sts:GetCallerIdentity", "iam:GetRole", "iam:CreateRole", "iam:PutRolePolicy",
			"logs:DescribeLogGroups", "logs:CreateLogGroup", "logs:PutRetentionPolicy",
			"lambda:GetFunction", "lambda:CreateFunction", "lambda:PublishVersion", "lambda:Invoke", "lambda:CreateAlias",
			"lambda:CreateFunctionUrlConfig",
			"lambda:AddPermission", "lambda:PutFunctionConcurrency",
		},
		end: append([]string{whole[0], whole[1], "function weather with concurrency 3"}, whole[3:]...),
	},
	{
		name:  "update",
		start: func(t *testing.T) *cloud { return deployed(t, limited) },
		run: func(ctx context.Context, d *deploy.Deployer) error {
			return apply(ctx, d, deploy.Spec{
				Name: "weather", Arch: "amd64", Memory: 512, Stream: new(true), IAM: new(true), Concurrency: new(int32(0)), Retention: 30,
			})
		},
		operations: []string{
			"iam:GetRolePolicy", "logs:ListTagsForResource", "logs:PutRetentionPolicy",
			"lambda:GetFunction", "lambda:GetAlias", "lambda:GetFunctionUrlConfig", "lambda:GetPolicy",
			"lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration",
			"lambda:PublishVersion", "lambda:Invoke", "lambda:UpdateAlias", "lambda:UpdateFunctionUrlConfig",
			"lambda:RemovePermission", "lambda:DeleteFunctionConcurrency",
		},
		end: []string{
			"alias weather:live of version 2",
			"function weather",
			"log group /aws/lambda/weather for 30 days",
			"role mcpengine-weather-eu-central-1",
			"role mcpengine-weather-eu-central-1 with its own mcpengine-log",
			"url of weather:live, AWS_IAM, RESPONSE_STREAM",
		},
	},
	{
		name: "rollback",
		start: func(t *testing.T) *cloud {
			fake := deployed(t, limited)
			if err := apply(t.Context(), connect(fake.address, deploy.Config{}), deploy.Spec{Name: "weather", Stream: new(true)}); err != nil {
				t.Fatal(err)
			}
			return fake
		},
		run: func(ctx context.Context, d *deploy.Deployer) error { return rollback(ctx, d, "1") },
		operations: []string{
			"sts:GetCallerIdentity", "lambda:GetFunction", "lambda:GetAlias", "lambda:ListVersionsByFunction", "lambda:GetFunctionUrlConfig",
			"lambda:UpdateFunctionUrlConfig", "lambda:Invoke", "lambda:UpdateAlias",
		},
		end: append([]string{whole[0], whole[1], "function weather with concurrency 3"}, whole[3:]...),
	},
	{
		name:  "destroy",
		start: func(t *testing.T) *cloud { return deployed(t, limited) },
		run:   func(ctx context.Context, d *deploy.Deployer) error { return destroy(ctx, d, "weather") },
		operations: []string{
			"sts:GetCallerIdentity", "iam:GetRole", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies",
			"logs:DescribeLogGroups", "logs:ListTagsForResource", "lambda:GetFunction", "lambda:GetFunctionUrlConfig",
			"lambda:DeleteFunctionUrlConfig", "lambda:DeleteFunction", "logs:DeleteLogGroup",
			"iam:DeleteRolePolicy", "iam:DeleteRole",
		},
	},
}

// each runs a test for every operation of every scenario.
func each(t *testing.T, test func(*testing.T, scenario, string)) {
	for _, s := range scenarios {
		for _, operation := range s.operations {
			t.Run(s.name+" "+operation, func(t *testing.T) {
				t.Parallel()
				test(t, s, operation)
			})
		}
	}
}

// begin starts a scenario on an account that takes its time.
func (s scenario) begin(t *testing.T) (*cloud, *deploy.Deployer) {
	t.Helper()
	fake := s.start(t)
	fake.Settling = 1
	return fake, connect(fake.address, deploy.Config{})
}

var (
	throttled = fakeaws.Fault{Status: http.StatusTooManyRequests, Code: "TooManyRequestsException", Message: "Rate exceeded"}
	denied    = fakeaws.Fault{Status: http.StatusForbidden, Code: "AccessDeniedException", Message: "no"}
)

// transient are the ways in which a request fails that is right, by whether
// one that only reads can fail so.
var transient = map[bool][]fakeaws.Fault{
	true: {
		throttled,
		{Status: http.StatusServiceUnavailable, Code: "ServiceUnavailable", Message: "try later"},
		{Status: http.StatusInternalServerError, Code: "ServiceException", Message: "the answer is lost", Late: true},
	},
	false: {
		{Status: http.StatusConflict, Code: "ResourceConflictException", Message: "An update is in progress"},
		{Status: http.StatusNotFound, Code: "NoSuchEntity", Message: "not known everywhere yet"},
		{Status: http.StatusConflict, Code: "ConcurrentModification", Message: "multiple concurrent changes"},
	},
}

// Whatever goes wrong once is made up for within the run.
func TestFaultOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s scenario, operation string) {
		faults := transient[true]
		if fakeaws.IsWrite(operation) {
			faults = slices.Concat(faults, transient[false])
		}
		for _, fault := range faults {
			fake, d := s.begin(t)
			var met atomic.Bool
			fake.SetHook(func(called string) *fakeaws.Fault {
				if called != operation || met.Swap(true) {
					return nil
				}
				return &fault
			})
			if err := s.run(t.Context(), d); err != nil {
				t.Errorf("%s: %v", fault.Code, err)
			}
			if !met.Load() {
				t.Error("the operation was never asked for")
			}
			checkResources(t, fake, s.end)
		}
	})
}

// What goes wrong for good is an error with a hint, and once it has been put
// right the second run completes the first.
func TestFaultAlways(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s scenario, operation string) {
		fake, d := s.begin(t)
		for _, fault := range []fakeaws.Fault{denied, throttled} {
			fake.SetHook(func(called string) *fakeaws.Fault {
				if called != operation {
					return nil
				}
				return &fault
			})
			err := s.run(t.Context(), d)
			if err == nil || !strings.Contains(err.Error(), fault.Code) {
				t.Errorf("error %v, want one with %s", err, fault.Code)
			}
			if hint := deploy.Hint(err); hint == "" || fault.Code == denied.Code && !strings.Contains(hint, operation) {
				t.Errorf("%s: hint %q", fault.Code, hint)
			}
		}
		fake.SetHook(nil)
		if err := s.run(t.Context(), d); err != nil {
			t.Errorf("second run: %v", err)
		}
		checkResources(t, fake, s.end)
	})
}

// Ctrl+C before or after any request, and then a second run.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s scenario, operation string) {
		for _, late := range []bool{false, true} {
			fake, d := s.begin(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			fake.SetHook(func(called string) *fakeaws.Fault {
				if called != operation {
					return nil
				}
				cancel()
				return &fakeaws.Fault{Status: http.StatusInternalServerError, Code: "ServiceException", Message: "gone", Late: late}
			})
			if err := s.run(ctx, d); !errors.Is(err, context.Canceled) {
				t.Errorf("interrupted run: %v, want %v", err, context.Canceled)
			}
			fake.SetHook(nil)
			if err := s.run(t.Context(), d); err != nil {
				t.Errorf("second run: %v", err)
			}
			checkResources(t, fake, s.end)
		}
	})
}

// There is an end to waiting.
func TestPatience(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		account    func(*cloud)
		want, hint string
	}{
		{"a role that is never known", func(c *cloud) { c.Unassumable = 1000 }, "cannot be assumed by Lambda", "again in a minute"},
		{"a function that is never ready", func(c *cloud) { c.Settling = 1000 }, "still not ready", "run the same command again"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			fake := serve(t)
			test.account(fake)
			err := apply(t.Context(), connect(fake.address, deploy.Config{}), limited)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(deploy.Hint(err), test.hint) {
				t.Errorf("error %v, hint %q", err, deploy.Hint(err))
			}
		})
	}
}
