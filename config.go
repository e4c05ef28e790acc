package mcpengine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"

	"github.com/mcpengine/mcpengine/internal/config"
)

// Config returns the settings that the user of a program gives it. T is a struct,
// each field of which is one setting:
//
//	type settings struct {
//		DatabaseURL string        `json:"database_url" sensitive:"true" format:"uri" jsonschema:"the PostgreSQL that keeps the messages"`
//		Units       string        `json:"units" enum:"metric,imperial" default:"metric"`
//		Timeout     time.Duration `json:"timeout" default:"5s"`
//		Tags        []string      `json:"tags,omitempty" maxItems:"10"`
//		Data        string        `json:"data" format:"directory-path"`
//	}
//
// The json name, in lower-case words, gives the other names: the value of data is the
// flag --data, or else the environment variable DATA, or else what the file holds whose
// name is in DATA_FILE, or else the default. An empty variable counts as not set, and
// a newline at the end of a file, which has at most 1 MiB, is not part of the value. A
// variable and its file cannot both be set. A setting that is sensitive has no flag,
// because other users of a machine can read the arguments of its programs.
//
// The tags of fields are those of [Handler], header excepted: a field is required
// unless it is a pointer, has a default, or has omitempty, and a value that the tags
// do not allow is refused. A type is a string, a number, a boolean, a type with
// UnmarshalText, or a list of them; the fields of an embedded struct are settings too.
// A string is the text as it is. A boolean is written as [strconv.ParseBool] reads it,
// and its flag means true by itself. A list is separated by commas, and its flag may be
// repeated. A [time.Duration] is written as [time.ParseDuration] reads it. The tag format
// also knows file-path and directory-path.
//
// The error lists all that is missing or wrong, unknown flags and further arguments
// included. Like the help, it never shows the value of a secret. A struct that declares
// something impossible is an error, too: a name that is not in lower-case words, or whose
// variable the library or the system reads, such as PORT, AWS_REGION or PATH; another
// type; a default of a secret.
//
// With the flag -h or --help, Config prints a table of the settings to standard error
// and ends the program, as package flag does.
//
// MCPENGINE_CONFIG names a file to which Config writes the declaration as JSON before it
// looks at the values, for programs that write forms or manifests:
//
//	{"variables": [{"name": "UNITS", "flag": "units", "required": false, "sensitive": false, "schema": {…}}]}
//
// A secret has no flag there, and a time.Duration has the schema
// {"type":"string","format":"go-duration"}.
func Config[T any]() (T, error) {
	settings, err := ConfigFrom[T](os.Args[1:], os.Getenv)
	if help, ok := errors.AsType[*config.Help](err); ok {
		fmt.Fprintf(os.Stderr, "Usage of %s:\n%s", filepath.Base(os.Args[0]), help)
		os.Exit(0) //nolint:forbidigo // somebody asked for the help and not for the program, as with package flag
	}
	return settings, err
}

// ConfigFrom is [Config] for other arguments, without the name of the program, and
// another environment, such as those of a test. A program that reads its arguments
// itself gives nil. For the flag --help it returns an error whose text is the help.
func ConfigFrom[T any](args []string, getenv func(string) string) (T, error) {
	var settings T
	if err := readConfig(reflect.ValueOf(&settings).Elem(), args, getenv); err != nil {
		return *new(T), err
	}
	return settings, nil
}

func readConfig(v reflect.Value, args []string, getenv func(string) string) error {
	declaration, err := config.Declare(v.Type())
	if err != nil {
		return fmt.Errorf("mcpengine.Config: %w", err)
	}
	if err := writeDeclaration(declaration, getenv); err != nil {
		return err
	}
	return declaration.Read(v, args, getenv)
}

// writeDeclaration writes the declaration to the file that MCPENGINE_CONFIG names.
func writeDeclaration(declaration *config.Declaration, getenv func(string) string) error {
	const variable = "MCPENGINE_CONFIG"
	name := getenv(variable)
	if name == "" {
		return nil
	}
	text, err := declaration.JSON()
	if err == nil {
		err = os.WriteFile(name, text, 0o600)
	}
	if err != nil {
		return fmt.Errorf("write the declaration for %s: %w", variable, err)
	}
	return nil
}
