package platforms

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"
)

// azure is Azure Functions, which starts the program as a custom handler for MCP.
// The names of the function app and its resource group are the server's.
func azure() Target {
	return Target{
		Name: "azure", arch: "amd64", program: "program",
		check: func(Server) error { return nil },
		files: azureFiles,
		apply: func(s Server, dir string) []Command {
			return []Command{
				run("az", "functionapp", "config", "appsettings", "set", "--name", s.Name, "--resource-group", s.Name, "--output", "none",
					"--settings", "@"+filepath.Join(dir, "settings.json")),
				{Dir: dir, Args: []string{"func", "azure", "functionapp", "publish", s.Name, "--custom"}},
			}
		},
	}
}

// azureFiles returns the configuration of the host, and the settings for the
// platform and for `func start`, which has no secrets.
func azureFiles(s Server) ([]File, error) {
	values := map[string]string{"PORT": "8000", "AzureWebJobsFeatureFlags": "EnableMcpCustomHandlerPreview"}
	maps.Copy(values, s.Env)
	type setting struct {
		Name        string `json:"name"`
		Value       string `json:"value"`
		SlotSetting bool   `json:"slotSetting"`
	}
	var settings []setting
	sorted(values, func(name, value string) { settings = append(settings, setting{Name: name, Value: value}) })
	sorted(s.Secrets, func(name, reference string) {
		settings = append(settings, setting{Name: name, Value: "@Microsoft.KeyVault(SecretUri=" + reference + ")"})
	})
	values["FUNCTIONS_WORKER_RUNTIME"] = "custom"
	documents := map[string]any{
		"host.json": map[string]any{
			"version":              "2.0",
			"configurationProfile": "mcp-custom-handler",
			"customHandler": map[string]any{
				"description": map[string]any{"defaultExecutablePath": "program/bootstrap"},
				"port":        "8000",
			},
		},
		"local.settings.json": map[string]any{"IsEncrypted": false, "Values": values},
		"settings.json":       settings,
	}
	var files []File
	for _, name := range slices.Sorted(maps.Keys(documents)) {
		text, err := json.MarshalIndent(documents[name], "", "  ")
		if err != nil {
			return nil, err
		}
		files = append(files, File{name, string(text) + "\n"})
	}
	// Secrets of the developer's own go into local.settings.json.
	return append(files, File{".funcignore", "local.settings.json\nsettings.json\n.mcpengine-written.json\n"}), nil
}
