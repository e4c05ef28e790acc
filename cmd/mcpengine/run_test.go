package main

import (
	"bytes"
	"context"
	"flag"
	"io"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy/fakeaws"
)

var update = flag.Bool("update", false, "rewrite the expectations of the scripts")

// call runs the program in this process.
func call(ctx context.Context, stdin string, args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	env := map[string]string{"SET": "value"}
	code = run(ctx, args, strings.NewReader(stdin), &out, &err, func(name string) string { return env[name] })
	return code, out.String(), err.String()
}

// A command line that cannot be meant exits with 2, says why and where to read
// on, and prints nothing else.
func TestUsageErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		args string
		want string
		see  string
	}{
		{"deplo", `there is no command "deplo"; did you mean "deploy"?`, "mcpengine"},
		{"xyzzy", `there is no command "xyzzy"`, "mcpengine"},
		{"--xyzzy", "unknown flag: --xyzzy", "mcpengine"},
		{"deploy", "name the folder or package of the server", "mcpengine deploy"},
		{"deploy a b", "name one folder or package of the server, not 2", "mcpengine deploy"},
		{"deploy . --memory many", `invalid argument "many" for "--memory" flag: strconv.ParseInt: parsing "many": invalid syntax`, "mcpengine deploy"},
		{"deploy . --memory 0", "--memory must be more than 0", "mcpengine deploy"},
		{"deploy . --memory 1 --name w", "memory of 1 MB is not between 128 and 10240", "mcpengine deploy"},
		{"deploy . --name a/b", `name "a/b" is not 1 to 64 letters, digits, - and _`, "mcpengine deploy"},
		{"deploy . --name w --arch x86", `architecture "x86" is not "arm64" or "amd64"`, "mcpengine deploy"},
		{"deploy . --name w --log-retention 2", "log retention of 2 days is not one of 1 3 5 7 14 30 60 90 120 150 180 365 400 545 731 1096 1827 2192 2557 2922 3288 3653", "mcpengine deploy"},
		{"deploy . --name w --env UNSET", "--env UNSET: there is no such variable here; give it a value with --env UNSET=VALUE", "mcpengine deploy"},
		{"deploy . --name w --env AWS_REGION=x", "environment variable AWS_REGION is one of Lambda's own", "mcpengine deploy"},
		{"deploy . --name w --image weather:1", `image "weather:1" is not in Amazon ECR: ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY:TAG`, "mcpengine deploy"},
		{"lambda", "name the folder or package of the server", "mcpengine lambda"},
		{"lambda . --port 65536", "--port 65536 is not between 0 and 65535", "mcpengine lambda"},
		{"lambda . --concurrency 0", "--concurrency 0 is not between 1 and 1000", "mcpengine lambda"},
		{"lambda . --memory 64", "memory of 64 MB is not between 128 and 10240", "mcpengine lambda"},
		{"lambda . --timeout 901", "timeout of 901 s is not between 1 and 900", "mcpengine lambda"},
		{"lambda . --timeout 0", "--timeout must be more than 0", "mcpengine lambda"},
		{"lambda . --env MCPENGINE_LAMBDA_MODE=stream", "environment variable MCPENGINE_LAMBDA_MODE follows from --stream", "mcpengine lambda"},
		{"rollback", "name the server", "mcpengine rollback"},
		{"rollback a b", "name one server, not 2", "mcpengine rollback"},
		{"rollback a --to live", `--to live is not the number of a version`, "mcpengine rollback"},
		{"rollback a --to 0", `--to 0 is not the number of a version`, "mcpengine rollback"},
		{"deployments a", `unknown command "a" for "mcpengine deployments"`, "mcpengine deployments"},
		{"deployments --output xml", `--output "xml" is not "text" or "json"`, "mcpengine deployments"},
		{"url", "name the server", "mcpengine url"},
		{"logs weather --since -1s", "--since must be more than 0", "mcpengine logs"},
		{"destroy weather --force", "unknown flag: --force", "mcpengine destroy"},
		{"package . --arch x86", `--arch x86 is not "arm64" or "amd64"`, "mcpengine package"},
		{"proxy weather", "name the server and its URL: NAME URL", "mcpengine proxy"},
		{"proxy ../x https://example.com", `name "../x" is not 1 to 64 letters, digits, - and _, with a letter or digit first`, "mcpengine proxy"},
		{"proxy weather example.com", "the URL is not one of http, https or lambda with a host", "mcpengine proxy"},
		{"proxy weather https://a:hunter2@example.com", "the URL has a user name or password; send them with a header", "mcpengine proxy"},
		{"proxy weather https://example.com --mode stdio", `mode "stdio" is not "auto", "http" or "sse"`, "mcpengine proxy"},
		{"proxy weather https://example.com --via mail", `--via "mail" is not "bridge" or "native"`, "mcpengine proxy"},
		{"proxy weather https://example.com --header hunter2", "--header: a header is NAME=VALUE", "mcpengine proxy"},
		{"proxy weather https://example.com --client-secret @testdata/call.txtar", "a client secret needs --client-id", "mcpengine proxy"},
		{"proxy weather https://example.com --project", "--project needs the flag of a host", "mcpengine proxy"},
		{"uninstall", "name the server", "mcpengine uninstall"},
		{"uninstall a/b", `name "a/b" is not 1 to 64 letters, digits, - and _, with a letter or digit first`, "mcpengine uninstall"},
		{"call", "name the server: a URL, a NAME, or a command after --", "mcpengine call"},
		{"call https://example.com/mcp", "name the tool", "mcpengine call"},
		{"call tool --", "name the command of the server after --", "mcpengine call"},
		{"call https://example.com/mcp tool -- server", "name a URL, or a command after --, and not both", "mcpengine call"},
		{"call tool --header A=b -- server", "--header, --client-id and --aws-sigv4 are for servers at a URL", "mcpengine call"},
		{"call https://example.com/mcp tool key", `argument "key" is not KEY=VALUE`, "mcpengine call"},
		{"call https://example.com/mcp tool a=1 --json {}", "--json has all arguments, so there can be no others", "mcpengine call"},
		{"call https://example.com/mcp tool --json []", "--json: not a JSON object: json: cannot unmarshal array into Go value of type map[string]json.RawMessage", "mcpengine call"},
		{"call https://example.com/mcp tool --json=", "--json: not a JSON object: unexpected end of JSON input", "mcpengine call"},
		{"call https://example.com/mcp tool --json null", "--json: not a JSON object: it is null", "mcpengine call"},
		{"call https://example.com/mcp tool --output yaml", `--output "yaml" is not "text" or "json"`, "mcpengine call"},
		{"call https://example.com/mcp tool --header hunter2", "--header: a header is NAME=VALUE", "mcpengine call"},
		{"call ftp://example.com tool", "the URL is not one of http, https or lambda with a host", "mcpengine call"},
		{"call ../x tool", `the server is not a URL, and no profile either: name "../x" is not 1 to 64 letters, digits, - and _, with a letter or digit first`, "mcpengine call"},
		{"list https://example.com/mcp tool", `"tool" is not tools, resources, templates or prompts`, "mcpengine list"},
		{"read https://example.com/mcp", "name the URI of one resource", "mcpengine read"},
		{"prompt https://example.com/mcp", "name the prompt", "mcpengine prompt"},
		{"prompt https://example.com/mcp pack a=1 a=2", `argument "a=2" has been given before`, "mcpengine prompt"},
		{"auth logon", `there is no command "logon"; did you mean "login"?`, "mcpengine auth"},
		{"auth login", "name the server", "mcpengine auth login"},
		{"completion tcsh", `shell "tcsh" is not one of bash, zsh, fish and powershell`, "mcpengine completion"},
	}
	for _, test := range tests {
		t.Run(test.args, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := call(t.Context(), "", strings.Fields(test.args)...)
			want := "mcpengine: error: " + test.want + "\nmcpengine: hint: see " + test.see + " -h\n"
			if code != 2 || stdout != "" || stderr != want {
				t.Errorf("exit %d, stdout %q, stderr %q; want exit 2, stderr %q", code, stdout, stderr, want)
			}
		})
	}
}

// Help fits a terminal of 80 columns and 24 lines, or 48 for the list of all
// commands, and ends with an example.
func TestHelp(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"", "deploy", "deployments", "url", "logs", "rollback", "destroy", "package", "publish", "proxy", "hosts", "uninstall", "completion", "version",
		"call", "tasks", "list", "read", "prompt", "skills", "auth", "auth login", "auth status", "auth logout",
		"bridge", "serve", "new", "lambda", "inspect", "doctor", "rpc", "watch", "complete", "profile", "profile list", "profile show", "profile remove",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := call(t.Context(), "", append(strings.Fields(name), "-h")...)
			if code != 0 || stderr != "" {
				t.Errorf("exit %d, stderr %q", code, stderr)
			}
			lines := strings.Split(strings.TrimSuffix(stdout, "\n"), "\n")
			limit := 24
			if name == "" {
				limit = 48
			}
			if len(lines) > limit {
				t.Errorf("%d lines", len(lines))
			}
			for _, line := range lines {
				if len(line) > 80 {
					t.Errorf("%d columns: %s", len(line), line)
				}
			}
			_, example, found := strings.Cut(stdout, "\nexample:\n")
			if !found || strings.Contains(example, "\n\n") {
				t.Errorf("does not end with an example:\n%s", stdout)
			}
			if strings.Contains(stdout, "\n\n\n") {
				t.Errorf("two empty lines:\n%s", stdout)
			}
		})
	}
}

// The list of all commands leaves none out.
func TestHelpListsAllCommands(t *testing.T) {
	t.Parallel()
	c := &cli{}
	_, help, _ := call(t.Context(), "", "-h")
	for _, cmd := range c.commands(nil) {
		if !cmd.Hidden && !strings.Contains(help, "\n  "+cmd.Name()+" ") {
			t.Errorf("the help of the program does not list %s", cmd.Name())
		}
	}
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if code, stdout, stderr := call(t.Context(), "", "completion", shell); code != 0 || !strings.Contains(stdout, "mcpengine") || stderr != "" {
			t.Errorf("completion %s: exit %d, %d bytes, stderr %q", shell, code, len(stdout), stderr)
		}
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := call(t.Context(), "", "version")
	if code != 0 || !strings.HasPrefix(stdout, "mcpengine ") || strings.Count(stdout, "\n") != 1 || stderr != "" {
		t.Errorf("exit %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

// Ctrl+C ends a deployment with the hint to go on, wherever it is.
func TestInterrupted(t *testing.T) {
	const want = "mcpengine: error: interrupted\nmcpengine: hint: run the same command again, it continues where it stopped\n"
	for _, operation := range []string{"sts:GetCallerIdentity", "iam:CreateRole", "lambda:CreateFunction"} {
		t.Run(operation, func(t *testing.T) {
			fake := &fakeaws.Server{}
			useAWS(t, fake)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			fake.SetHook(func(called string) *fakeaws.Fault {
				if called == operation {
					cancel()
				}
				return nil
			})
			code, stdout, stderr := call(ctx, "", "deploy", "testdata/hello", "--yes")
			if code != 1 || stdout != "" || !strings.HasSuffix(stderr, want) {
				t.Errorf("exit %d, stdout %q, stderr %q", code, stdout, stderr)
			}
		})
	}
	t.Run("at the question", func(t *testing.T) {
		useAWS(t, &fakeaws.Server{})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var stdout, stderr bytes.Buffer
		stdin, hold := io.Pipe()
		defer hold.Close()
		code := run(ctx, []string{"deploy", "testdata/hello"}, readAfter{stdin, cancel}, &stdout, &stderr, func(string) string { return "" })
		if code != 1 || stdout.Len() > 0 || !strings.HasSuffix(stderr.String(), "Go on? [y/N] \n"+want) {
			t.Errorf("exit %d, stdout %q, stderr %q", code, stdout.String(), stderr.String())
		}
	})
}

// readAfter calls a function before it reads.
type readAfter struct {
	io.Reader
	call func()
}

func (r readAfter) Read(p []byte) (int, error) {
	r.call()
	return r.Reader.Read(p)
}
