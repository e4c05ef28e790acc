package platforms

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
)

//go:embed worker.js
var worker string

// cloudflare is Cloudflare Containers, where a Worker chooses an instance of the
// container for each request.
func cloudflare() Target {
	return Target{
		Name: "cloudflare", arch: "amd64", program: "image",
		check: func(Server) error { return nil },
		files: cloudflareFiles,
		apply: func(_ Server, dir string) []Command {
			return []Command{
				{Dir: dir, Args: []string{"npm", "install", "--no-fund", "--no-audit"}},
				{Dir: dir, Args: []string{"npx", "wrangler", "deploy"}},
			}
		},
	}
}

func cloudflareFiles(s Server) ([]File, error) {
	env := map[string]string{"PORT": "8080"}
	maps.Copy(env, s.Env)
	variables, err := json.MarshalIndent(env, "", "  ")
	if err != nil {
		return nil, err
	}
	secrets, err := json.MarshalIndent(s.Secrets, "", "  ")
	if err != nil {
		return nil, err
	}
	if len(s.Secrets) == 0 {
		secrets = []byte("{}")
	}
	return []File{
		{"package.json", `{
  "private": true,
  "type": "module",
  "dependencies": {"@cloudflare/containers": "0.3.7"},
  "devDependencies": {"wrangler": "4.164.0"}
}
`},
		{"worker.js", strings.NewReplacer(`"VARIABLES"`, string(variables), `"SECRETS"`, string(secrets)).Replace(worker)},
		{"wrangler.jsonc", fmt.Sprintf(`// Written by mcpengine deploy --to cloudflare.
{
  "$schema": "./node_modules/wrangler/config-schema.json",
  "name": %s,
  "main": "worker.js",
  "compatibility_date": "2026-10-15",
  // As many as worker.js chooses from.
  "containers": [{"class_name": "Server", "image": "./image/Dockerfile", "max_instances": 3}],
  "durable_objects": {"bindings": [{"name": "SERVER", "class_name": "Server"}]},
  "exports": {"Server": {"type": "durable-object", "storage": "sqlite"}}
}
`, quoted(s.Name))},
	}, nil
}
