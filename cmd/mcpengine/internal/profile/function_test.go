package profile_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/profile"
)

func TestParseFunction(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:lambda:eu-west-1:123456789012:function:weather"
	for rawURL, want := range map[string]struct {
		function profile.Function
		endpoint string
	}{
		"lambda://weather":             {profile.Function{Name: "weather", Path: "/mcp"}, "https://weather.lambda-url.invalid/mcp"},
		"lambda://weather/":            {profile.Function{Name: "weather", Path: "/mcp"}, "https://weather.lambda-url.invalid/mcp"},
		"lambda://My_f-1:prod/a%20b/c": {profile.Function{Name: "My_f-1", Qualifier: "prod", Path: "/a%20b/c"}, "https://prod.My_f-1.lambda-url.invalid/a%20b/c"},
		"lambda://weather:$LATEST":     {profile.Function{Name: "weather", Qualifier: "$LATEST", Path: "/mcp"}, "https://LATEST.weather.lambda-url.invalid/mcp"},
		"lambda://" + arn:              {profile.Function{Name: "weather", ARN: arn, Region: "eu-west-1", Path: "/mcp"}, "https://weather.lambda-url.eu-west-1.invalid/mcp"},
		"lambda://" + arn + ":3/x":     {profile.Function{Name: "weather", Qualifier: "3", ARN: arn, Region: "eu-west-1", Path: "/x"}, "https://3.weather.lambda-url.eu-west-1.invalid/x"},
	} {
		got, err := profile.ParseFunction(rawURL)
		if err != nil || got != want.function || got.Endpoint() != want.endpoint {
			t.Errorf("ParseFunction(%q) = %+v %s, %v", rawURL, got, got.Endpoint(), err)
		}
	}
	for _, rawURL := range []string{
		"", "weather", "lambda:weather", "lambda://", "lambda:///mcp", "lambda://a b", "lambda://a:", "lambda://a:b:c", "lambda://a:$PROD",
		"lambda://a@b", "lambda://a?x=1", "lambda://a/?x=1", "lambda://a/x#y", "lambda://a//b.example/", "lambda://a/%zz", "lambda://a.b", "lambda://ü",
		"lambda://arn:aws:s3:eu-west-1:123456789012:function:weather", "lambda://arn:aws:lambda:eu-west-1:123456789012:layer:weather",
		"lambda://arn:aws:lambda:evil.example:123456789012:function:weather", "lambda://arn:aws:lambda:eu-west-1:1:function:weather",
		"lambda://arn:aws:lambda:eu-west-1:123456789012:function", "lambda://arn:aws:lambda:eu-west-1:123456789012:function:a:b:c",
		"lambda://" + strings.Repeat("a", 141), "lambda://a:" + strings.Repeat("b", 129), "lambda://a/" + strings.Repeat("b", 9000),
	} {
		if f, err := profile.ParseFunction(rawURL); err == nil {
			t.Errorf("ParseFunction(%.80q) = %+v", rawURL, f)
		}
	}
}

// Nothing that a function is called leads to another host.
func FuzzParseFunction(f *testing.F) {
	f.Add("lambda://weather:prod/mcp")
	f.Add("lambda://arn:aws:lambda:eu-west-1:123456789012:function:weather:$LATEST/a%2Fb")
	f.Fuzz(func(t *testing.T, rawURL string) {
		function, err := profile.ParseFunction(rawURL)
		if err != nil {
			return
		}
		u, err := url.Parse(function.Endpoint())
		if err != nil || u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Port() != "" || !strings.HasSuffix(u.Hostname(), ".invalid") || u.EscapedPath() != function.Path {
			t.Fatalf("the endpoint of %q is %s, %v", rawURL, function.Endpoint(), err)
		}
	})
}
