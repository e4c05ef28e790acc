package bundle

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
)

// configVariable names the file to which a server writes its declaration, before it
// looks at its values.
const configVariable = "MCPENGINE_CONFIG"

const (
	maxDeclaration = 1 << 20 // bytes
	maxVariables   = 200
)

// A declaration is what a server says of its configuration.
type declaration struct {
	Variables []variable `json:"variables"`
}

// A variable is one value of the configuration, which the program reads from an
// environment variable.
type variable struct {
	Name      string `json:"name"`
	Required  bool   `json:"required"`
	Sensitive bool   `json:"sensitive"`
	Schema    schema `json:"schema"`
}

// A schema is the part of a JSON Schema that a form can show.
type schema struct {
	Type        types           `json:"type"`
	Title       string          `json:"title"`
	Description string          `json:"description"`
	Default     json.RawMessage `json:"default"` // as it is written, or empty
	Enum        []any           `json:"enum"`
	Minimum     *float64        `json:"minimum"`
	Maximum     *float64        `json:"maximum"`
	Format      string          `json:"format"`
}

// types is the keyword type: a name, or a list of names, of which null says no more than
// that the value is optional.
type types string

// UnmarshalJSON takes a name, or the one of a list that is not null.
func (t *types) UnmarshalJSON(data []byte) error {
	var names []string
	var one string
	if json.Unmarshal(data, &one) == nil {
		names = []string{one}
	} else if err := json.Unmarshal(data, &names); err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return name == "null" })
	*t = types(strings.Join(names, " or "))
	return nil
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// readDeclaration reads the file that a server has written, or returns nothing when
// there is none.
func readDeclaration(name string) (declaration, error) {
	file, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return declaration{}, nil
	}
	if err != nil {
		return declaration{}, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxDeclaration+1))
	if err != nil {
		return declaration{}, err
	}
	return parseDeclaration(data)
}

// parseDeclaration refuses what could not be in a manifest.
func parseDeclaration(data []byte) (declaration, error) {
	var d declaration
	if len(data) > maxDeclaration {
		return d, fmt.Errorf("the declaration of the configuration is over %d bytes", maxDeclaration)
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return d, fmt.Errorf("read the declaration of the configuration: %w", err)
	}
	if len(d.Variables) > maxVariables {
		return d, fmt.Errorf("the program declares more than %d variables", maxVariables)
	}
	seen := map[string]bool{}
	for i := range d.Variables {
		v := &d.Variables[i]
		if string(v.Schema.Default) == "null" {
			v.Schema.Default = nil
		}
		if len(v.Name) > 128 || !variableName.MatchString(v.Name) || seen[v.Name] {
			return d, fmt.Errorf("the program declares the variable %.64q, whose name is not one of letters, digits and _, or which is there twice", v.Name)
		}
		seen[v.Name] = true
	}
	return d, nil
}

// missing returns the names of required variables that an environment does not have. The
// value may also be in a file, which another variable names.
func (d declaration) missing(environ []string) []string {
	var names []string
	for _, v := range d.Variables {
		given := slices.ContainsFunc(environ, func(pair string) bool {
			name, value, _ := strings.Cut(pair, "=")
			return value != "" && (name == v.Name || name == v.Name+"_FILE")
		})
		if v.Required && len(v.Schema.Default) == 0 && !given {
			names = append(names, v.Name)
		}
	}
	return names
}
