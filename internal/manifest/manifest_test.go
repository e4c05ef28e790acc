package manifest_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/manifest"
)

const whole = `{
  "name": "io.github.acme/weather",
  "title": "Weather",
  "description": "Forecasts for every city.",
  "version": "1.2.3",
  "websiteUrl": "https://weather.example.com/docs",
  "repository": {"url": "https://github.com/acme/weather", "id": "42", "subfolder": "cmd/weather"},
  "icons": [
    {"src": "https://weather.example.com/icon.png", "mimeType": "image/png", "sizes": ["48x48"], "theme": "dark"},
    {"src": "assets/icon.png"}
  ],
  "license": "MIT",
  "author": {"name": "Acme", "email": "mcp@acme.example", "url": "https://acme.example"},
  "remotes": [{
    "type": "streamable-http",
    "url": "https://{region}.weather.example.com/mcp",
    "variables": {"region": {"default": "eu", "choices": ["eu", "us"]}},
    "headers": [{"name": "Authorization", "value": "Bearer {token}", "isSecret": true, "variables": {"token": {"isRequired": true}}}]
  }],
  "packages": [
    {
      "registryType": "mcpb",
      "identifier": "https://github.com/acme/weather/releases/download/v1.2.3/weather-mcp.mcpb",
      "fileSha256": "fe333e598595000ae021bd27117db32ec69af6987f507ba7a63c90638ff633ce",
      "transport": {"type": "stdio"},
      "environmentVariables": [{"name": "WEATHER_KEY", "isSecret": true, "isRequired": true}]
    },
    {
      "registryType": "oci",
      "identifier": "ghcr.io/acme/weather:1.2.3",
      "runtimeHint": "docker",
      "runtimeArguments": [{"type": "named", "name": "--network", "value": "host", "isRepeated": false}],
      "packageArguments": [{"type": "positional", "valueHint": "port", "default": "8000", "format": "number"}],
      "transport": {"type": "streamable-http", "url": "http://localhost:{port}/mcp"}
    }
  ],
  "privacyPolicies": ["https://acme.example/privacy"]
}`

// What the file says survives its own encoding.
func TestParseWhole(t *testing.T) {
	m, err := manifest.Parse([]byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	if m.Remotes[0].Headers[0].Variables["token"].IsRequired != true || m.Packages[1].PackageArguments[0].Default != "8000" {
		t.Errorf("Parse lost a value: %+v", m)
	}
	text, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := manifest.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m, again); diff != "" {
		t.Errorf("encoded and parsed again (-was +is):\n%s", diff)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"a list", `[]`, "not a JSON object"},
		{"half a file", `{"name":`, "not a JSON object"},
		{"a member twice", `{"version":"1","version":"2"}`, "not a JSON object"},
		{"an unknown member", `{"homepage":"x"}`, "homepage: unknown property; known are"},
		{"a member in other letters", `{"Name":"io.github.acme/weather"}`, "Name: unknown property"},
		{"an unknown member below", `{"repository":{"url":"https://github.com/a/b","branch":"x"}}`, "repository.branch: unknown property"},
		{"a wrong type", `{"version":1}`, "version: must be a string"},
		{"a wrong type below", `{"remotes":[{"type":"sse","url":7}]}`, "remotes[0].url: must be a string"},
		{"a name without a namespace", `{"name":"weather"}`, `name: must be a namespace and a name of two characters or more, such as io.github.acme/weather, got "weather"`},
		{"a name that ends with a dot", `{"name":"io.github.acme/weather."}`, "name: must be a namespace"},
		{"a name with two slashes", `{"name":"io.github.acme/a/b"}`, "name: must be a namespace"},
		{"101 characters", `{"description":"` + strings.Repeat("é", 101) + `"}`, "description: must have at most 100"},
		{"white space", `{"description":" "}`, "description: must be more than white space"},
		{"latest", `{"version":"latest"}`, "version: must be one version"},
		{"a range", `{"version":"^1.2.3"}`, "version: must be one version"},
		{"a wildcard", `{"version":"1.2.x"}`, "version: must be one version"},
		{"http", `{"websiteUrl":"http://acme.example"}`, "websiteUrl: must be an https URL"},
		{"an icon outside", `{"icons":[{"src":"../icon.png"}]}`, "icons[0].src: must be an https URL or a path"},
		{"an icon in the file", `{"icons":[{"src":"data:image/png;base64,AA=="}]}`, "icons[0].src: must be an https URL"},
		{"a repository elsewhere", `{"repository":{"url":"https://example.com/a/b"}}`, "repository.url: must be a repository"},
		{"a repository with another source", `{"repository":{"url":"https://github.com/a/b","source":"gitlab"}}`, "repository.url: must be a repository"},
		{"a route of GitLab", `{"repository":{"url":"https://gitlab.com/a/b/-/tree"}}`, "repository.url: must be a repository"},
		{"a subfolder outside", `{"repository":{"url":"https://github.com/a/b","subfolder":"../c"}}`, "repository.subfolder: must be a path"},
		{"an author without a name", `{"author":{"email":"a@b.example"}}`, "author.name: required property is missing"},
		{"a local remote", `{"remotes":[{"type":"sse","url":"https://localhost/mcp"}]}`, "remotes[0].url: must be an https URL that others reach"},
		{"a remote in the clear", `{"remotes":[{"type":"sse","url":"http://a.example/mcp"}]}`, "remotes[0].url: must be an https URL that others reach"},
		{"a remote without a URL", `{"remotes":[{"type":"sse"}]}`, "remotes[0].url: must be a URL"},
		{"a remote over stdio", `{"remotes":[{"type":"stdio"}]}`, "remotes[0].type: must be streamable-http or sse"},
		{"an undeclared variable", `{"remotes":[{"type":"sse","url":"https://{a}.example"}]}`, "remotes[0].url: names the variable {a}, which nothing declares"},
		{"an image with a version", `{"packages":[{"registryType":"oci","identifier":"a/b:1","version":"1","transport":{"type":"stdio"}}]}`, "packages[0]: an image has no version"},
		{"a bundle elsewhere", `{"packages":[{"registryType":"mcpb","identifier":"https://acme.example/a.mcpb","transport":{"type":"stdio"}}]}`, "packages[0].identifier: must be the URL of an asset"},
		{"a bundle without mcp", `{"packages":[{"registryType":"mcpb","identifier":"https://github.com/a/b/releases/download/v1/a.zip","transport":{"type":"stdio"}}]}`, `packages[0].identifier: must be the URL of an asset of a GitHub or GitLab release with "mcp" in it`},
		{"an unfinished digest", `{"packages":[{"registryType":"npm","identifier":"a","fileSha256":"AB","transport":{"type":"stdio"}}]}`, "packages[0].fileSha256: must match"},
		{"a flag with its value", `{"packages":[{"registryType":"npm","identifier":"a","transport":{"type":"stdio"},"packageArguments":[{"type":"named","name":"--port 80"}]}]}`, "packages[0].packageArguments[0].name: must be the flag alone"},
		{"a positional argument without a value", `{"packages":[{"registryType":"npm","identifier":"a","transport":{"type":"stdio"},"packageArguments":[{"type":"positional"}]}]}`, "packages[0].packageArguments[0]: a positional argument needs a value"},
		{"stdio with a URL", `{"packages":[{"registryType":"npm","identifier":"a","transport":{"type":"stdio","url":"https://a.example"}}]}`, "packages[0].transport.url: stdio has none"},
		{"a policy in the clear", `{"privacyPolicies":["http://a.example"]}`, "privacyPolicies[0]: must be an https URL"},
		{"too much", `{"title":"` + strings.Repeat(" ", manifest.MaxBytes) + `"}`, "more than 65536 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, err := manifest.Parse([]byte(test.text))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Parse(%.60s) = %v, %v, want an error with %q", test.text, m, err, test.want)
			}
		})
	}
}

// A file of exactly the bound is read.
func TestParseBound(t *testing.T) {
	text := `{}` + strings.Repeat(" ", manifest.MaxBytes-2)
	if _, err := manifest.Parse([]byte(text)); err != nil {
		t.Errorf("Parse of %d bytes: %v", len(text), err)
	}
}

func TestReadFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), manifest.FileName)
	if _, err := manifest.ReadFile(name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("ReadFile of no file: %v, want os.ErrNotExist", err)
	}
	if err := os.WriteFile(name, []byte(`{"version":7}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := manifest.ReadFile(name); err == nil || !strings.HasPrefix(err.Error(), name+": version: ") {
		t.Errorf("ReadFile = %v, want the name of the file and of the member", err)
	}
}

// docs/publish.md has a row for each member, and names the members below it.
func TestDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/publish.md")
	if err != nil {
		t.Fatal(err)
	}
	for member := range reflect.TypeFor[manifest.Manifest]().Fields() {
		name, _, _ := strings.Cut(member.Tag.Get("json"), ",")
		if !strings.Contains(string(page), "\n| `"+name+"` |") {
			t.Errorf("docs/publish.md has no row for %s", name)
		}
	}
	for _, of := range []reflect.Type{
		reflect.TypeFor[manifest.Repository](), reflect.TypeFor[manifest.Icon](), reflect.TypeFor[manifest.Author](),
		reflect.TypeFor[manifest.Transport](), reflect.TypeFor[manifest.Package](), reflect.TypeFor[manifest.Input](),
	} {
		for member := range of.Fields() {
			name, _, _ := strings.Cut(member.Tag.Get("json"), ",")
			if !strings.Contains(string(page), "`"+name+"`") {
				t.Errorf("docs/publish.md does not name %s of %s", name, of)
			}
		}
	}
}

func TestDerive(t *testing.T) {
	for _, test := range []struct{ module, program, name, repository, subfolder string }{
		{"github.com/acme/weather", "github.com/acme/weather", "io.github.acme/weather", "https://github.com/acme/weather", ""},
		{"github.com/acme/weather", "github.com/acme/weather/cmd/weather", "io.github.acme/weather", "https://github.com/acme/weather", "cmd/weather"},
		{"github.com/acme/weather/v2", "github.com/acme/weather/v2/cmd/server", "io.github.acme/weather-server", "https://github.com/acme/weather", "cmd/server"},
		{"github.com/acme/mono/apps", "github.com/acme/mono/apps/weather", "io.github.acme/apps-weather", "https://github.com/acme/mono", "apps/weather"},
		{"github.com/acme/mono/weather/v3", "github.com/acme/mono/weather/v3", "io.github.acme/weather", "https://github.com/acme/mono", "weather"},
		{"mcp.example.com/weather", "mcp.example.com/weather/cmd/x", "com.example.mcp/weather-x", "", ""},
		{"github.com/acme", "github.com/acme", "", "", ""},
		{"gitlab.com/acme/weather", "gitlab.com/acme/weather", "", "", ""},
		{"weather", "weather", "", "", ""},
		{"", "command-line-arguments", "", "", ""},
	} {
		if got := manifest.NameOf(test.module, test.program); got != test.name {
			t.Errorf("NameOf(%q, %q) = %q, want %q", test.module, test.program, got, test.name)
		}
		var url, subfolder string
		if r := manifest.RepositoryOf(test.module, test.program); r != nil {
			url, subfolder = r.URL, r.Subfolder
		}
		if url != test.repository || subfolder != test.subfolder {
			t.Errorf("RepositoryOf(%q, %q) = %q, %q, want %q, %q", test.module, test.program, url, subfolder, test.repository, test.subfolder)
		}
	}
}

// What is accepted is accepted again when it is encoded.
func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"repository":{"url":"https://gitlab.com/a/b/c"},"icons":[{"src":"a/b"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := manifest.Parse(text)
		if err != nil {
			return
		}
		encoded, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if len(encoded) > manifest.MaxBytes {
			return // white space makes it longer
		}
		again, err := manifest.Parse(encoded)
		if err != nil {
			t.Fatalf("its own encoding is refused: %v\n%s", err, encoded)
		}
		if diff := cmp.Diff(m, again); diff != "" {
			t.Errorf("encoded and parsed again (-was +is):\n%s", diff)
		}
	})
}
