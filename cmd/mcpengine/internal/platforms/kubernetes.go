package platforms

import (
	"embed"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// chart is a copy of deploy/kubernetes/chart, which a test compares: a program
// can embed no file of another module.
//
//go:embed all:chart
var chart embed.FS

// kubernetes is any cluster. Helm installs the chart with the printed values.
func kubernetes() Target {
	return Target{
		Name: "kubernetes", arch: "amd64",
		check: func(s Server) error {
			for name, reference := range s.Secrets {
				if !strings.Contains(reference, ":") && name != keys {
					return fmt.Errorf("--secret %s=%s: name the secret and the key in it, as SECRET:KEY", name, reference)
				}
			}
			return nil
		},
		files: chartFiles,
		apply: func(s Server, dir string) []Command {
			return []Command{run("helm", "upgrade", "--install", s.Name, filepath.Join(dir, "chart"), "--values", filepath.Join(dir, "values.yaml"), "--wait")}
		},
	}
}

func chartFiles(s Server) ([]File, error) {
	files := []File{{"values.yaml", values(s)}}
	err := fs.WalkDir(chart, "chart", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(chart, name)
		files = append(files, File{name, string(text)})
		return err
	})
	return files, err
}

// values returns what differs from the values of the chart. The keys have a
// setting of their own: the chart mounts them as a file.
func values(s Server) string {
	var out strings.Builder
	keysSecret := s.Name + "-keys"
	if reference, ok := s.Secrets[keys]; ok {
		keysSecret, _ = secret(reference, "keys")
	}
	fmt.Fprintf(&out, "# Written by mcpengine deploy --to kubernetes. chart/values.yaml has all settings.\nimage: %s\n"+
		"# The secret with MCPENGINE_KEYS in its key \"keys\".\nkeysSecret: %s\n", quoted(s.Image), quoted(keysSecret))
	if len(s.Env) > 0 {
		out.WriteString("env:\n")
		sorted(s.Env, func(name, value string) { fmt.Fprintf(&out, "  %s: %s\n", name, quoted(value)) })
	}
	head := "secretEnv:\n"
	sorted(s.Secrets, func(name, reference string) {
		if name == keys {
			return
		}
		secret, key := secret(reference, "")
		fmt.Fprintf(&out, "%s  %s:\n    secret: %s\n    key: %s\n", head, name, quoted(secret), quoted(key))
		head = ""
	})
	return out.String()
}
