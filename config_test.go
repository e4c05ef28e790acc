package mcpengine_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine"
)

type settings struct {
	Token   string        `json:"token" sensitive:"true" jsonschema:"of the account"`
	Timeout time.Duration `json:"timeout" default:"5s"`
}

func lookup(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}

// The declaration is there also when values are missing or wrong, and without them.
func TestConfigWritesItsDeclaration(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "config.json")
	got, err := mcpengine.ConfigFrom[settings]([]string{"--timeout=soon"}, lookup(map[string]string{"MCPENGINE_CONFIG": name}))
	if err == nil || !strings.Contains(err.Error(), "TOKEN (or TOKEN_FILE): is missing") || !strings.Contains(err.Error(), "TIMEOUT (--timeout): must be") {
		t.Errorf("the error is %v", err)
	}
	if got != (settings{}) {
		t.Errorf("with an error the settings are %+v", got)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var declaration struct {
		Variables []struct{ Name, Flag string }
	}
	if err := json.Unmarshal(text, &declaration); err != nil || len(declaration.Variables) != 2 ||
		declaration.Variables[0].Name != "TOKEN" || declaration.Variables[0].Flag != "" || declaration.Variables[1].Flag != "timeout" {
		t.Errorf("the declaration is %s, %v", text, err)
	}

	_, err = mcpengine.ConfigFrom[settings](nil, lookup(map[string]string{"TOKEN": "t", "MCPENGINE_CONFIG": t.TempDir()}))
	if err == nil || !strings.HasPrefix(err.Error(), "write the declaration for MCPENGINE_CONFIG: ") {
		t.Errorf("where it cannot be written the error is %v", err)
	}
}

func TestConfigRefusesDeclarations(t *testing.T) {
	t.Parallel()
	_, err := mcpengine.ConfigFrom[struct {
		Port int `json:"port"`
	}](nil, lookup(nil))
	if err == nil || err.Error() != "mcpengine.Config: field Port: the variable PORT has a meaning already: give the setting another name" {
		t.Errorf("the error is %v", err)
	}
	if _, err := mcpengine.ConfigFrom[any](nil, lookup(nil)); err == nil || !strings.HasPrefix(err.Error(), "mcpengine.Config: ") {
		t.Errorf("the error for any is %v", err)
	}
}

// Config reads the arguments and the environment of the process.
func TestConfigOfProcess(t *testing.T) {
	before := os.Args
	t.Cleanup(func() { os.Args = before })
	os.Args = []string{"server", "--timeout", "7s"}
	t.Setenv("TOKEN", "t")
	got, err := mcpengine.Config[settings]()
	if want := (settings{"t", 7 * time.Second}); err != nil || got != want {
		t.Errorf("Config() = %+v, %v, want %+v", got, err, want)
	}
}
