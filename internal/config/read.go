package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"strings"
)

// maxFile bounds the value in a file.
const maxFile = 1 << 20

// An Error says everything that is wrong with the settings.
type Error struct{ Faults []string }

// Error has a line for each fault. It has no value of a secret.
func (e *Error) Error() string {
	if len(e.Faults) == 1 {
		return e.Faults[0] + " (--help lists the settings)"
	}
	return fmt.Sprintf("the settings have %d faults (--help lists the settings):\n  %s", len(e.Faults), strings.Join(e.Faults, "\n  "))
}

// A Help is the error for the flag -h or --help.
type Help struct{ Text string }

func (h *Help) Error() string { return h.Text }

// Read sets the fields of v, a struct of the declared type. An argument wins over a
// variable, a variable over a default. It returns [*Help] when an argument asks for
// it and [*Error] with all faults.
func (d *Declaration) Read(v reflect.Value, args []string, getenv func(string) string) error {
	a := arguments{settings: d.settings, texts: make([][]string, len(d.settings))}
	if a.parse(args) {
		return &Help{d.help()}
	}
	faults := a.faults
	for i := range d.settings {
		s := &d.settings[i]
		if err := s.read(v, a.texts[i], getenv); err != nil {
			faults = append(faults, s.label()+": "+err.Error())
		}
	}
	if faults != nil {
		return &Error{faults}
	}
	return nil
}

// read sets the field of v. The texts are those of the flag, nil for none, and empty
// where it lacks its value.
func (s *setting) read(v reflect.Value, texts []string, getenv func(string) string) error {
	switch {
	case texts != nil && s.Sensitive:
		return errors.New("is not given as a flag, because others can see the arguments of a program: set one of the two variables")
	case texts != nil && len(texts) == 0:
		return errors.New("the flag needs a value: " + s.wanted())
	}
	literal, err := s.find(texts, getenv)
	if err != nil || literal == nil {
		return err
	}
	return s.set(field(v, s.Index), literal)
}

// find returns the value as JSON, nil for none.
func (s *setting) find(texts []string, getenv func(string) string) ([]byte, error) {
	text, file := given(getenv(s.variable)), given(getenv(s.file()))
	switch {
	case texts != nil:
		return s.check(texts)
	case text != "" && file != "":
		return nil, fmt.Errorf("%s and %s are both set: leave one out", s.variable, s.file())
	case text != "":
		return s.check([]string{text})
	case file != "":
		text, err := readFile(file)
		if err != nil {
			return nil, fmt.Errorf("%s names a file that cannot be read: %w", s.file(), err)
		}
		literal, err := s.check([]string{text})
		if err != nil {
			return nil, fmt.Errorf("the value in the file of %s %w", s.file(), err)
		}
		return literal, nil
	case s.Required:
		return nil, errors.New("is missing: " + s.wanted())
	}
	return s.Default, nil
}

// given returns the value of a variable, "" where nobody has given one. An empty
// variable is what compose files and forms make of a value that is left out. Hosts
// of MCP bundles leave the placeholder of such a value as it is (getMcpConfigForManifest
// in github.com/modelcontextprotocol/mcpb).
func given(value string) string {
	if strings.HasPrefix(value, "${user_config.") && strings.HasSuffix(value, "}") {
		return ""
	}
	return value
}

// readFile returns what a file holds, without the newline at the end that editors
// and echo write. The error does not name the file: somebody may have put a secret
// into the wrong variable.
func readFile(name string) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		if pathError, ok := errors.AsType[*fs.PathError](err); ok {
			err = pathError.Err
		}
		return "", err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	switch {
	case err != nil:
		return "", errors.New("it is not a file with text")
	case len(data) > maxFile:
		return "", fmt.Errorf("it has more than %d bytes", maxFile)
	}
	text := strings.TrimSuffix(string(data), "\n")
	return strings.TrimSuffix(text, "\r"), nil
}

// field is [reflect.Value.FieldByIndex] that makes the embedded structs behind
// pointers.
func field(v reflect.Value, index []int) reflect.Value {
	for _, i := range index {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	return v
}
