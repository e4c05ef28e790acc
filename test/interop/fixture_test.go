package interop_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	mcpgoserver "github.com/mark3labs/mcp-go/server"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/mcpengine/mcpengine"
)

// fixtureVariable turns this test binary into another program: the fixture
// served over "stdio", as a "replica" over HTTP or as a "function" on AWS
// Lambda, a "board-function" that people sign in to, the fixture of another SDK, the "browser" of a test, or a "caller"
// that signs in.
const fixtureVariable = "INTEROP_FIXTURE"

func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(fixtureVariable) {
	case "stdio":
		err = newFixture().ServeStdio(context.Background(), os.Stdin, os.Stdout)
	case "go-sdk":
		err = newGoSDKPeer().Run(context.Background(), &mcp.StdioTransport{})
	case "mcp-go":
		err = mcpgoserver.ServeStdio(newMCPGoPeer())
	case "function":
		err = newRemote().Run(context.Background())
	case "board-function":
		err = boardFunction(context.Background())
	case "browser":
		err = showPage(os.Getenv(browserVariable), os.Args[1])
	case "replica":
		err = serveReplica(os.Stdin, os.Stdout)
	case "caller":
		err = callOnce(context.Background(), os.Args[1], os.Args[2], os.Stdin, os.Stdout)
	default:
		m.Run()
		return
	}
	if err != nil {
		panic(fmt.Sprintf("%s: %v", os.Getenv(fixtureVariable), err))
	}
}

type nothing struct{}

type noteInput struct {
	ID string `json:"id"`
}

type reviewInput struct {
	File string `json:"file" jsonschema:"the file to review"`
}

type login struct {
	User string `json:"user" jsonschema:"a GitHub user name"`
}

// newFixture returns our server with a feature for every stop of the tour.
// Tests look at it only through the protocol, so that it may run in a process
// of its own.
func newFixture(opts ...mcpengine.Option) *mcpengine.Engine {
	e := mcpengine.New("fixture", append(opts, mcpengine.WithInstructions("For tests."), mcpengine.WithExtension(extensions()...))...)
	mcpengine.AddTool(e, "greet", "Greets.", func(_ context.Context, in greetInput) (string, error) {
		return "Hello, " + in.Name + "!", nil
	})
	mcpengine.AddTool(e, "add", "Adds.", func(_ context.Context, in addInput) (addOutput, error) {
		return addOutput{in.A + in.B}, nil
	})
	addNews(e)
	addQuestions(e)
	addCancellation(e)
	addNotes(e)
	return e
}

func addNotes(e *mcpengine.Engine) {
	mcpengine.AddResource(e, "note://welcome", "The first note.",
		func(context.Context, nothing) (string, error) { return note("note://welcome"), nil },
		mcpengine.WithName("welcome"))
	mcpengine.AddResource(e, "note://{id}", "A note.",
		func(_ context.Context, in noteInput) (string, error) { return note("note://" + in.ID), nil },
		mcpengine.WithName("note"))
	files := []string{"main.go", "main_test.go", "doc.go"}
	mcpengine.AddPrompt(e, "review", "Asks for a review.",
		func(_ context.Context, in reviewInput) (string, error) { return "Review " + in.File + ".", nil },
		mcpengine.WithCompletion("file", func(_ context.Context, value string, _ map[string]string) ([]string, error) {
			var matching []string
			for _, file := range files {
				if strings.HasPrefix(file, value) {
					matching = append(matching, file)
				}
			}
			return matching, nil
		}))
}
