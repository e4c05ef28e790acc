package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy"
)

// maxEnvFile bounds a file of variables. Lambda accepts 4 KiB of variables.
const maxEnvFile = 64 << 10

// environment reads the variables to set: first from the file, if one is
// named, and then from --env. No error shows a value.
func (c *cli) environment(file string, pairs []string) (map[string]string, error) {
	env := map[string]string{}
	if file != "" {
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("--env-file: %w", err)
		}
		defer f.Close()
		if err := c.readVariables(f, env); err != nil {
			return nil, fmt.Errorf("--env-file %s: %w", file, err)
		}
	}
	for _, pair := range pairs {
		name, value, ok := c.variable(pair)
		if !ok {
			return nil, fmt.Errorf("--env %s: there is no such variable here; give it a value with --env %[1]s=VALUE", name)
		}
		env[name] = value
	}
	return env, nil
}

// variable splits NAME=VALUE. A name alone takes its value from the environment
// of this process, which keeps a secret out of the shell's history.
func (c *cli) variable(pair string) (name, value string, ok bool) {
	name, value, given := strings.Cut(pair, "=")
	if !given {
		value = c.getenv(name)
	}
	return name, value, given || value != ""
}

// readVariables adds the variables of a file: one in a line, as for --env. Lines
// that begin with # and empty lines are skipped. Errors name lines by number,
// because text in the wrong place may be part of a secret.
func (c *cli) readVariables(r io.Reader, env map[string]string) error {
	text, err := io.ReadAll(io.LimitReader(r, maxEnvFile+1))
	if err != nil {
		return err
	}
	if len(text) > maxEnvFile {
		return fmt.Errorf("it is larger than %d KiB", maxEnvFile>>10)
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, maxEnvFile+1)
	for number := 1; lines.Scan(); number++ {
		line := lines.Text()
		if trimmed := strings.TrimSpace(line); trimmed == "" || trimmed[0] == '#' {
			continue
		}
		if err := c.addLine(line, env); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
	}
	return lines.Err()
}

func (c *cli) addLine(line string, env map[string]string) error {
	name, value, ok := c.variable(line)
	switch _, twice := env[name]; {
	case !deploy.IsVariable(name):
		return errors.New("it does not begin with a name: a letter, then one or more letters, digits and _")
	case !ok:
		return errors.New("it has no value, and there is no such variable here")
	case twice:
		return errors.New("the variable was set before")
	case isQuoted(value):
		return errors.New("the quotes would be part of the value: leave them out")
	}
	env[name] = value
	return nil
}

// isQuoted reports whether the value looks as if a shell should read it.
func isQuoted(value string) bool {
	n := len(value)
	return n > 1 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0]
}
