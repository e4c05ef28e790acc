package platforms

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// keys is the variable with the keys of a server, which no file may hold.
const keys = "MCPENGINE_KEYS"

// A Server describes a server to run.
type Server struct {
	Package string            // the folder or import path of the program
	Name    string            // of the service: lower-case letters, digits and hyphens
	Image   string            // the container image
	Region  string            // of the platform, where it has regions
	Role    string            // the role that the server takes on, where there are roles
	Env     map[string]string // variables by name, no secrets
	Secrets map[string]string // references to the platform's secrets, by variable
}

// A File is a file to write, with slashes in its name.
type File struct{ Name, Text string }

// A Command is a program with its arguments, in a folder or, without one, here.
type Command struct {
	Dir  string
	Args []string
}

// run returns a command for here.
func run(args ...string) Command { return Command{Args: args} }

// String returns the command as a POSIX shell reads it.
func (c Command) String() string {
	words := make([]string, len(c.Args))
	for i, word := range c.Args {
		words[i] = shellWord(word)
	}
	line := strings.Join(words, " ")
	if c.Dir != "" {
		return "(cd " + shellWord(c.Dir) + " && " + line + ")"
	}
	return line
}

func shellWord(word string) string {
	if plain.FindString(word) == word && word != "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

var (
	plain      = regexp.MustCompile(`[A-Za-z0-9_@%+=:,./-]+`)
	nameSyntax = regexp.MustCompile(`^[a-z]([a-z0-9-]*[a-z0-9])?$`)
)

// A Target is a platform that runs servers.
type Target struct {
	Name string // as for --to
	arch string // of the program
	// program is the folder for the program and its Dockerfile, where the platform's
	// own tool takes them. Other platforms take an image.
	program string
	check   func(Server) error
	files   func(Server) ([]File, error)
	apply   func(s Server, dir string) []Command
}

// All returns the targets.
func All() []Target { return []Target{cloudRun(), kubernetes(), agentCore(), azure(), cloudflare()} }

// Names returns the names of the targets.
func Names() []string {
	var names []string
	for _, t := range All() {
		names = append(names, t.Name)
	}
	return names
}

// Find returns the target of a name.
func Find(name string) (Target, error) {
	for _, t := range All() {
		if t.Name == name {
			return t, nil
		}
	}
	return Target{}, fmt.Errorf("--to %.64q is not lambda, %s", name, strings.Join(Names(), ", "))
}

// Files returns the files for a server, or says which setting the platform does
// not take.
func (t Target) Files(s Server) ([]File, error) {
	switch {
	case len(s.Name) > 49 || !nameSyntax.MatchString(s.Name):
		return nil, fmt.Errorf("name %.64q: use at most 49 lower-case letters, digits and hyphens, beginning with a letter", s.Name)
	case t.program != "" && s.Image != "":
		return nil, fmt.Errorf("%s takes the program, and no image: leave out --image", t.Name)
	case t.program == "" && s.Image == "":
		return nil, fmt.Errorf("%s needs --image, the image to build and run", t.Name)
	}
	if value, ok := s.Env[keys]; ok && !strings.HasPrefix(value, "@") {
		return nil, fmt.Errorf("%s would be in a file: keep the keys in a secret, and name it with --secret", keys)
	}
	for name := range s.Secrets {
		if _, twice := s.Env[name]; twice {
			return nil, fmt.Errorf("%s has a value and a secret", name)
		}
	}
	if err := t.check(s); err != nil {
		return nil, err
	}
	return t.files(s)
}

// Commands returns the commands that build the program and its image, unless a digest
// names one that exists, and apply the files in the folder.
func (t Target) Commands(s Server, dir string) []Command {
	var all []Command
	program := filepath.Join(dir, cmp.Or(t.program, "image"))
	if !strings.Contains(s.Image, "@") {
		all = append(all, run("mcpengine", "package", s.Package, "--image", "--arch", t.arch, "-o", program))
		if t.program == "" {
			all = append(all, run("docker", "build", "--platform", "linux/"+t.arch, "--provenance=false", "-t", s.Image, program),
				run("docker", "push", s.Image))
		}
	}
	return append(all, t.apply(s, dir)...)
}

// Advice says where a tool of a command comes from.
func Advice(tool string) string {
	switch tool {
	case "docker":
		return "install Docker from https://docs.docker.com/get-docker, or name an image that exists by its digest: --image NAME@sha256:…"
	case "gcloud":
		return "install the Google Cloud CLI from https://cloud.google.com/sdk/docs/install"
	case "az":
		return "install the Azure CLI from https://learn.microsoft.com/cli/azure/install-azure-cli"
	case "func":
		return "install the Azure Functions Core Tools from https://learn.microsoft.com/azure/azure-functions/functions-run-local"
	case "npm", "npx":
		return "install Node.js from https://nodejs.org"
	case "helm":
		return "install Helm from https://helm.sh/docs/intro/install"
	case "aws":
		return "install the AWS CLI from https://aws.amazon.com/cli"
	}
	return "install " + tool
}

// sorted calls f for each entry, by name.
func sorted(m map[string]string, f func(name, value string)) {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		f(name, m[name])
	}
}

// secret splits a reference NAME:PART.
func secret(reference, part string) (name, rest string) {
	if name, rest, ok := strings.Cut(reference, ":"); ok {
		return name, rest
	}
	return reference, part
}

// quoted returns a text as a string of JSON, which YAML reads as well.
func quoted(text string) string {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		return `""` // cannot happen: it is a string
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// noSecrets refuses references where a platform has none.
func noSecrets(s Server) error {
	if len(s.Secrets) > 0 {
		return errors.New("agentcore has no variables from secrets: let the program read them, for example from AWS Secrets Manager")
	}
	return nil
}
