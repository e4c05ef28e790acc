package schema_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/schema"
)

// TestOfficialSuite runs the JSON Schema Test Suite, from the copy in
// jsonschema-go, the library that the fuzz tests compare with. It leaves out
// only schemas that need another document: they are refused, and nothing is
// fetched.
func TestOfficialSuite(t *testing.T) {
	t.Parallel()
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/google/jsonschema-go").Output()
	if err != nil {
		t.Fatalf("find jsonschema-go: %v", err)
	}
	suite := filepath.Join(strings.TrimSpace(string(dir)), "jsonschema", "testdata")
	for _, dialect := range []struct {
		folder, uri string
		groups      int // that are not left out
	}{
		{"draft2020-12", "https://json-schema.org/draft/2020-12/schema", 320},
		{"draft7", "http://json-schema.org/draft-07/schema#", 241},
	} {
		t.Run(dialect.folder, func(t *testing.T) {
			t.Parallel()
			files, err := filepath.Glob(filepath.Join(suite, dialect.folder, "*.json"))
			if err != nil {
				t.Fatal(err)
			}
			groups := 0
			for _, file := range files {
				groups += runSuite(t, file, dialect.uri)
			}
			if groups != dialect.groups {
				t.Errorf("ran %d groups of tests, want %d", groups, dialect.groups)
			}
		})
	}
}

// A suiteGroup is a schema of the suite and what it should accept.
type suiteGroup struct {
	Description string
	Schema      json.RawMessage
	Tests       []struct {
		Description string
		Data        json.RawMessage
		Valid       bool
	}
}

// runSuite runs a file of the suite and returns how many groups it could run.
func runSuite(t *testing.T, file, dialect string) (ran int) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var groups []suiteGroup
	if err := json.Unmarshal(text, &groups); err != nil {
		t.Fatal(err)
	}
	for _, g := range groups {
		s, err := schema.Compile(g.root(dialect))
		if err != nil {
			if !strings.Contains(err.Error(), "nothing is fetched") {
				t.Errorf("%s: %s: %v", filepath.Base(file), g.Description, err)
			}
			continue
		}
		ran++
		for _, test := range g.Tests {
			if err := s.Validate(t.Context(), test.Data); (err == nil) != test.Valid {
				t.Errorf("%s: %s: %s: Validate(%s) = %v, want valid %v",
					filepath.Base(file), g.Description, test.Description, test.Data, err, test.Valid)
			}
		}
	}
	return ran
}

// root returns the schema as Compile wants it: an object that says its dialect.
func (g *suiteGroup) root(dialect string) []byte {
	switch raw := g.Schema; {
	case raw[0] != '{':
		return fmt.Appendf(nil, `{"$schema":%q,"allOf":[%s]}`, dialect, raw)
	case bytes.Contains(raw, []byte(`"$schema"`)):
		return raw
	case string(raw) == "{}":
		return fmt.Appendf(nil, `{"$schema":%q}`, dialect)
	default:
		return fmt.Appendf(nil, `{"$schema":%q,%s`, dialect, raw[1:])
	}
}
