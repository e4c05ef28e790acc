package deploy_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy/fakeaws"
)

// What AWS says and what the user reads.
func TestHints(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		operation string
		fault     fakeaws.Fault
		want      string // error
		hint      string // part of it
	}{
		{
			name:      "the action that is denied is not the one of the request",
			operation: "lambda:CreateFunction",
			fault: fakeaws.Fault{Status: http.StatusForbidden, Code: "AccessDeniedException", Message: "User: arn:aws:iam::1:user/x is not " +
				"authorized to perform: iam:PassRole on resource: r because no identity-based policy allows the iam:PassRole action"},
			want: "create function weather: Lambda CreateFunction: AccessDeniedException: User: arn:aws:iam::1:user/x is not " +
				"authorized to perform: iam:PassRole on resource: r because no identity-based policy allows the iam:PassRole action",
			hint: "allows iam:PassRole,",
		},
		{
			name:      "the action of the request",
			operation: "logs:CreateLogGroup",
			fault:     fakeaws.Fault{Status: http.StatusBadRequest, Code: "AccessDeniedException", Message: "no"},
			want:      "create log group /aws/lambda/weather: CloudWatch Logs CreateLogGroup: AccessDeniedException: no",
			hint:      "allows logs:CreateLogGroup,",
		},
		{
			name:      "an expired session",
			operation: "sts:GetCallerIdentity",
			fault:     fakeaws.Fault{Status: http.StatusForbidden, Code: "ExpiredToken", Message: "The security token included in the request is expired"},
			want:      "find out whose credentials these are: STS GetCallerIdentity: ExpiredToken: The security token included in the request is expired",
			hint:      "aws sso login",
		},
		{
			name:      "wrong keys",
			operation: "sts:GetCallerIdentity",
			fault:     fakeaws.Fault{Status: http.StatusForbidden, Code: "InvalidClientTokenId", Message: "The security token included in the request is invalid."},
			want:      "find out whose credentials these are: STS GetCallerIdentity: InvalidClientTokenId: The security token included in the request is invalid.",
			hint:      "region eu-central-1 is not enabled",
		},
		{
			name:      "a package that is too large",
			operation: "lambda:CreateFunction",
			fault:     fakeaws.Fault{Status: http.StatusRequestEntityTooLarge, Code: "RequestEntityTooLargeException", Message: "Request must be smaller than 70167211 bytes"},
			want:      "create function weather: Lambda CreateFunction: RequestEntityTooLargeException: Request must be smaller than 70167211 bytes",
			hint:      "container image",
		},
		{
			name:      "an account without public functions",
			operation: "lambda:AddPermission",
			fault:     fakeaws.Fault{Status: http.StatusBadRequest, Code: "PublicPolicyException", Message: "blocked"},
			want:      "add permission lambda:InvokeFunctionUrl: Lambda AddPermission: PublicPolicyException: blocked",
			hint:      "--iam",
		},
		{
			name:      "control characters in a message",
			operation: "iam:GetRole",
			fault:     fakeaws.Fault{Status: http.StatusBadRequest, Code: "ValidationError", Message: "one\ntwo\u202e" + strings.Repeat("x", 1000)},
			want:      "read role mcpengine-weather-eu-central-1: IAM GetRole: ValidationError: one two\\u202e" + strings.Repeat("x", 587) + "…",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			fake := serve(t)
			fake.SetHook(func(called string) *fakeaws.Fault {
				if called != test.operation {
					return nil
				}
				return &test.fault
			})
			err := apply(t.Context(), connect(fake.address, deploy.Config{}), deploy.Spec{Name: "weather"})
			if err == nil || err.Error() != test.want {
				t.Errorf("error %v\n want %s", err, test.want)
			}
			if hint := deploy.Hint(err); !strings.Contains(hint, test.hint) || (test.hint == "") != (hint == "") {
				t.Errorf("hint %q, want %q", hint, test.hint)
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"http://127.0.0.1:1":          "STS GetCallerIdentity: connection refused",
		"http://no.such.host.invalid": "STS GetCallerIdentity:",
	} {
		_, err := connect(address, deploy.Config{}).Plan(t.Context(), deploy.Spec{Name: "weather"}, built(binary))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(deploy.Hint(err), "check the network") {
			t.Errorf("%s: error %v, hint %q", address, err, deploy.Hint(err))
		}
	}
}
