package platforms

import (
	"encoding/json"
	"errors"
	"maps"
	"path/filepath"
	"regexp"
	"strings"
)

// repositorySyntax is an image in Amazon ECR, the only ones that AgentCore takes.
var repositorySyntax = regexp.MustCompile(`^[0-9]{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com/.`)

// agentCore is Amazon Bedrock AgentCore Runtime.
func agentCore() Target {
	return Target{
		Name: "agentcore", arch: "arm64",
		check: func(s Server) error {
			switch {
			case !repositorySyntax.MatchString(s.Image):
				return errors.New("agentcore takes images of Amazon ECR only: ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY:TAG")
			case s.Role == "":
				return errors.New("agentcore needs --role, the ARN of the role that the server takes on")
			}
			return noSecrets(s)
		},
		files: func(s Server) ([]File, error) {
			text, err := json.MarshalIndent(runtime(s), "", "  ")
			return []File{{"runtime.json", string(text) + "\n"}}, err
		},
		apply: func(s Server, dir string) []Command {
			command := run("aws", "bedrock-agentcore-control", "create-agent-runtime", "--cli-input-json", "file://"+filepath.ToSlash(filepath.Join(dir, "runtime.json")))
			if s.Region != "" {
				command.Args = append(command.Args, "--region", s.Region)
			}
			return []Command{command}
		},
	}
}

// runtime returns the request that makes a runtime. Its name has no hyphens. The
// platform asks at port 8000, and adds session ids of its own.
func runtime(s Server) map[string]any {
	env := map[string]string{"PORT": "8000", "MCPENGINE_PLATFORM_SESSIONS": "true"}
	maps.Copy(env, s.Env)
	return map[string]any{
		"agentRuntimeName": strings.ReplaceAll(s.Name, "-", "_"),
		"agentRuntimeArtifact": map[string]any{
			"containerConfiguration": map[string]any{"containerUri": s.Image},
		},
		"roleArn":               s.Role,
		"networkConfiguration":  map[string]any{"networkMode": "PUBLIC"},
		"protocolConfiguration": map[string]any{"serverProtocol": "MCP"},
		"environmentVariables":  env,
	}
}
