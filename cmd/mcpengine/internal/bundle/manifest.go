package bundle

import (
	"encoding/json"

	"github.com/mcpengine/mcpengine/internal/manifest"
)

// A document is the file manifest.json of a bundle.
type document struct {
	ManifestVersion  string           `json:"manifest_version"`
	Name             string           `json:"name"`
	DisplayName      string           `json:"display_name,omitempty"`
	Version          string           `json:"version"`
	Description      string           `json:"description"`
	Author           *manifest.Author `json:"author"`
	Repository       *repository      `json:"repository,omitempty"`
	Homepage         string           `json:"homepage,omitempty"`
	Icon             string           `json:"icon,omitempty"`
	Icons            []icon           `json:"icons,omitempty"`
	Server           server           `json:"server"`
	Tools            []tool           `json:"tools,omitempty"`
	ToolsGenerated   bool             `json:"tools_generated,omitempty"`
	Prompts          []prompt         `json:"prompts,omitempty"`
	PromptsGenerated bool             `json:"prompts_generated,omitempty"`
	License          string           `json:"license,omitempty"`
	PrivacyPolicies  []string         `json:"privacy_policies,omitempty"`
	Compatibility    compatibility    `json:"compatibility"`
	UserConfig       options          `json:"user_config,omitempty"`
}

type repository struct {
	Type string `json:"type"`
	URL  string `json:"url"`
}

type icon struct {
	Src   string `json:"src"`
	Size  string `json:"size"`
	Theme string `json:"theme,omitempty"`
}

type server struct {
	Type       string    `json:"type"`
	EntryPoint string    `json:"entry_point"`
	MCPConfig  mcpConfig `json:"mcp_config"`
}

type mcpConfig struct {
	Command string            `json:"command"`
	Args    []string          `json:"args"`
	Env     map[string]string `json:"env,omitempty"`
}

type tool struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
}

type prompt struct {
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Arguments   []string `json:"arguments,omitempty"`
	Text        string   `json:"text"`
}

type compatibility struct {
	Platforms []string `json:"platforms"`
}

// options are what a host asks its user for, in the order of the form.
type options []option

type option struct {
	name        string
	Type        string          `json:"type"`
	Title       string          `json:"title"`
	Description string          `json:"description"`
	Required    bool            `json:"required,omitempty"`
	Default     json.RawMessage `json:"default,omitempty"`
	Sensitive   bool            `json:"sensitive,omitempty"`
	Min         *float64        `json:"min,omitempty"`
	Max         *float64        `json:"max,omitempty"`
}

// MarshalJSON returns an object whose members have the order of the options.
func (o options) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, one := range o {
		if i > 0 {
			out = append(out, ',')
		}
		name, err := json.Marshal(one.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(one)
		if err != nil {
			return nil, err
		}
		out = append(append(append(out, name...), ':'), value...)
	}
	return append(out, '}'), nil
}
