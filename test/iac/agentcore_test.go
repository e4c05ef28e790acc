package iac_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// checkRequest has the AWS SDK for Python, which moto comes with, check a request.
const checkRequest = `
import json, sys
import botocore.session
from botocore.validate import ParamValidator
operation = botocore.session.get_session().get_service_model("bedrock-agentcore-control").operation_model("CreateAgentRuntime")
print(ParamValidator().validate(json.load(sys.stdin), operation.input_shape).generate_report())
`

// The request that makes an AgentCore runtime has the form that AWS takes, and tells
// the server what the platform expects of it.
func TestAgentCore(t *testing.T) {
	t.Parallel()
	source := read(t, "deploy/agentcore/runtime.json")
	var request struct {
		ProtocolConfiguration struct{ ServerProtocol string }
		EnvironmentVariables  map[string]string
	}
	if err := json.Unmarshal([]byte(source), &request); err != nil {
		t.Fatal(err)
	}
	if env := request.EnvironmentVariables; request.ProtocolConfiguration.ServerProtocol != "MCP" || env["PORT"] != "8000" || env["MCPENGINE_PLATFORM_SESSIONS"] != "true" {
		t.Errorf("the request is %s", source)
	}
	python := filepath.Join(repository, ".tools/python/bin/python")
	if _, err := os.Stat(python); err != nil {
		t.Skip("the AWS SDK for Python is not installed: scripts/install-python")
	}
	for text, want := range map[string]string{
		source: "",
		strings.Replace(source, `"roleArn"`, `"role"`, 1): "Unknown parameter in input: \"role\"",
	} {
		cmd := exec.CommandContext(t.Context(), python, "-c", checkRequest)
		cmd.Stdin = strings.NewReader(text)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) || want == "" && strings.TrimSpace(string(out)) != "" {
			t.Errorf("%s\n%v: %s, want %q", text, err, out, want)
		}
	}
}
