package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy/fakeaws"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/registry/fakeregistry"
	"github.com/mcpengine/mcpengine/mcp"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"mcpengine": main, "fixture": fixtureProcess, "leak": leakProcess, "xdg-open": browse})
}

// Each script runs the program as a process of its own, against an AWS account
// of its own. Besides the usual commands it has
//
//	aws resources              prints what there is in the account
//	aws calls OPERATION        prints how often it was asked for
//	aws environment NAME       prints the variables of a function
//	aws function NAME          adds a function, as somebody else would
//	aws fails NAME PAYLOAD TEXT        lets invocations fail with a payload, and log a line
//	aws answers                lets them answer again
//	aws log NAME TEXT          logs a line, now
//	aws fault OPERATION CODE MESSAGE   makes an operation fail from now on
//	aws well                   lets everything succeed again
//	exits CODE COMMAND         runs a command that has to exit with the code
//	typed SHELL TEXT           types a text and a tab into a shell, and prints the line
//
// and in SERVER the URL of the servers of newWorld, and in REGISTRY the URL of a registry.
func TestScripts(t *testing.T) {
	t.Parallel()
	goEnv := goEnvironment(t)
	testscript.Run(t, testscript.Params{
		Dir:           "testdata",
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			weather := mcpengine.New("weather", mcpengine.WithImplementation(mcp.Implementation{Version: "1.0"}))
			mcpengine.AddTool(weather, "echo", "", echo)
			fake := &fakeaws.Server{Settling: 1, Function: weather}
			server := httptest.NewServer(fake)
			env.Defer(server.Close)
			env.Values[account{}] = fake
			registry := httptest.NewServer(&fakeregistry.Server{Owner: "acme", Keys: map[string]ed25519.PublicKey{"acme.example": testKey.Public().(ed25519.PublicKey)}})
			env.Defer(registry.Close)
			world := newWorld()
			env.Defer(world.Close)
			action, err := filepath.Abs("../../.github/actions/contract")
			if err != nil {
				return err
			}
			env.Vars = append(env.Vars, "SERVER="+world.URL, "REGISTRY="+registry.URL, "ACTION="+action, "SOURCE="+filepath.Dir(filepath.Dir(filepath.Dir(action))))
			env.Vars = append(env.Vars, goEnv...)
			env.Vars = append(env.Vars, "GORACE=atexit_sleep_ms=0") // or each command sleeps for a second
			// Nothing leaves this machine: its own addresses are reached without a proxy.
			env.Vars = append(env.Vars, "HTTPS_PROXY=http://127.0.0.1:1", "HTTP_PROXY=http://127.0.0.1:1")
			env.Vars = append(
				env.Vars,
				"AWS_ENDPOINT_URL="+server.URL,
				"AWS_ACCESS_KEY_ID=AKIATEST", "AWS_SECRET_ACCESS_KEY=secret", "AWS_REGION="+fakeaws.Region,
				"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=none", "AWS_SHARED_CREDENTIALS_FILE=none",
			)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"aws": awsCommand, "exits": exitsCommand, "typed": typedCommand},
	})
}

// testKey is the key of acme.example, whose seed the scripts have: 32 bytes of 1.
var testKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))

// account is the key of the AWS account among a script's values.
type account struct{}

func awsCommand(ts *testscript.TestScript, _ bool, args []string) {
	fake := ts.Value(account{}).(*fakeaws.Server)
	switch args[0] {
	case "resources":
		for _, resource := range fake.Resources() {
			fmt.Fprintln(ts.Stdout(), resource)
		}
	case "calls":
		n := 0
		for _, call := range fake.Calls() {
			if call == args[1] {
				n++
			}
		}
		fmt.Fprintln(ts.Stdout(), strconv.Itoa(n))
	case "environment":
		env := fake.Environment(args[1])
		for _, name := range slices.Sorted(maps.Keys(env)) {
			fmt.Fprintln(ts.Stdout(), name+"="+env[name])
		}
	case "answers":
		fake.SetInvoke(nil)
	case "fails":
		fake.SetInvoke(func(*http.Request, []byte) ([]byte, string) {
			fake.Log("/aws/lambda/"+args[1], time.Now(), args[3])
			return []byte(args[2]), "Unhandled"
		})
	case "function":
		fake.AddFunction(args[1], nil)
	case "log":
		fake.Log("/aws/lambda/"+args[1], time.Now(), args[2])
	case "fault":
		fake.SetHook(func(called string) *fakeaws.Fault {
			if called != args[1] {
				return nil
			}
			return &fakeaws.Fault{Code: args[2], Message: args[3]}
		})
	case "well":
		fake.SetHook(nil)
	default:
		ts.Fatalf("aws: there is no command %q", args[0])
	}
}

// exitsCommand is exec for one exit code.
func exitsCommand(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("exits: %v", err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// goEnvironment lets scripts, whose environment is empty, build with the caches
// of this machine, and keeps them off the network.
func goEnvironment(t *testing.T) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", "-json", "GOCACHE", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	var vars map[string]string
	if err := json.NewDecoder(bytes.NewReader(out)).Decode(&vars); err != nil {
		t.Fatal(err)
	}
	env := []string{"GOPROXY=off", "GOTOOLCHAIN=local", "GOWORK=off"}
	for name, value := range vars {
		env = append(env, name+"="+strings.TrimSpace(value))
	}
	return env
}
