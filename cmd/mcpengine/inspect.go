package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpengine/mcpengine"
	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/contract"
	"github.com/mcpengine/mcpengine/internal/terminal"
)

// inspectFlags are the flags of inspect.
type inspectFlags struct {
	remoteFlags
	file   string
	diff   string
	strict bool
	accept []string
	open   openFlags
}

func (c *cli) inspect() *cobra.Command {
	var f inspectFlags
	cmd := &cobra.Command{
		Use:   "inspect SERVER|LOCK [flags]",
		Short: "Show what a server offers, in a page, a lock file or a comparison",
		Long: remoteShape + `
A LOCK is a lock file. --diff exits with 1 at a class that is not accepted.`,
		Example: `  mcpengine inspect -o mcp.lock.json -- go run ./cmd/server
  mcpengine inspect --diff mcp.lock.json -- go run ./cmd/server`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return usageError{err}
			}
			if f.open.open {
				return c.openInspector(cmd, args, &f)
			}
			return c.runInspect(cmd, args, &f)
		},
		ValidArgsFunction: c.suggestOneServer,
	}
	f.add(cmd)
	flags := cmd.Flags()
	flags.Lookup("output").Usage = "`format`: text, json, markdown or sarif (default: text)"
	flags.StringVarP(&f.file, "out", "o", "", "write the lock to a `file`, by convention "+contract.FileName)
	flags.StringVar(&f.diff, "diff", "", "compare with an older lock `file`")
	flags.BoolVar(&f.strict, "strict", false, "a changed text fails --diff too")
	flags.StringArrayVar(&f.accept, "accept", nil, "`class` that does not fail --diff: security or breaking")
	f.open.add(cmd)
	return cmd
}

func (f *inspectFlags) check() error {
	if err := f.open.check(f); err != nil {
		return err
	}
	if !slices.Contains([]string{"", "text", "json", "markdown", "sarif"}, f.output) {
		return fmt.Errorf("--output %q is not text, json, markdown or sarif", f.output)
	}
	if f.diff == "" {
		if f.output == "markdown" || f.output == "sarif" || f.strict || len(f.accept) > 0 {
			return errors.New("markdown, sarif, --strict and --accept are for --diff")
		}
		return nil
	}
	for _, class := range f.accept {
		if class != "security" && class != "breaking" {
			return fmt.Errorf("--accept %q is not security or breaking", class)
		}
	}
	return nil
}

// runInspect reads the lock, writes it where it is wanted, and prints it or the
// changes.
func (c *cli) runInspect(cmd *cobra.Command, args []string, f *inspectFlags) error {
	var before *contract.Lock
	var text []byte
	if f.diff != "" {
		var err error
		if before, text, err = readLock(f.diff); err != nil {
			return err
		}
	}
	after, err := c.lockOf(cmd, args, f, before)
	if err != nil {
		return err
	}
	if f.file != "" {
		encoded, err := after.Encode()
		if err != nil {
			return err
		}
		if err := writeFile(f.file, encoded); err != nil {
			return err
		}
	}
	if before != nil {
		return c.printContract(contract.Compare(before, after), text, f)
	}
	return c.printLock(after, f)
}

// lockOf returns the lock of the server, or of the file, that the arguments name.
// The server is asked in the version of the older lock, so that the two have the
// same form.
func (c *cli) lockOf(cmd *cobra.Command, args []string, f *inspectFlags, before *contract.Lock) (*contract.Lock, error) {
	if len(args) == 1 && cmd.ArgsLenAtDash() < 0 && strings.HasSuffix(args[0], ".json") && !strings.Contains(args[0], "://") {
		lock, _, err := readLock(args[0])
		return lock, err
	}
	t, rest, err := c.split(cmd, args, &f.remoteFlags)
	switch {
	case err != nil:
		return nil, err
	case len(rest) > 0:
		return nil, usageError{fmt.Errorf("there is one argument too many: %q", rest[0])}
	}
	given := t.Protocol
	if before != nil && given == "" {
		t.Protocol = before.ProtocolVersion
	}
	lock, err := c.readServer(cmd.Context(), t)
	if _, protocol := errors.AsType[*client.ProtocolError](err); protocol && t.Protocol != given {
		t.Protocol = given // that the version is gone is a change
		return c.readServer(cmd.Context(), t)
	}
	return lock, err
}

// readServer asks a server for its lock. A program of MCPEngine writes its policy
// too.
func (c *cli) readServer(ctx context.Context, t *target) (*contract.Lock, error) {
	if t.command != nil {
		dir, err := os.MkdirTemp("", "mcpengine")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
		t.explain = filepath.Join(dir, "policy.json")
	}
	conn, err := c.dial(ctx, t, client.Handlers{})
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	lock, err := contract.Read(ctx, conn)
	if err != nil || t.explain == "" {
		return lock, err
	}
	return lock, c.addPolicy(lock, t.explain)
}

// addPolicy adds who may use each feature, if the program has said so.
func (c *cli) addPolicy(lock *contract.Lock, file string) error {
	text, err := c.readFile(file, maxArgumentBytes)
	if errors.Is(err, os.ErrNotExist) {
		return nil // another framework
	}
	if err != nil {
		return err
	}
	var policy mcpengine.Policy
	if err := json.Unmarshal([]byte(text), &policy); err != nil {
		return fmt.Errorf("read the policy of the program: %w", err)
	}
	access := make(map[string]map[string]string)
	for _, entry := range policy {
		if access[entry.Kind] == nil {
			access[entry.Kind] = make(map[string]string)
		}
		access[entry.Kind][entry.Name] = entry.Who
	}
	for kind, names := range access {
		lock.SetAccess(kind, names)
	}
	return nil
}

// readLock reads a lock file, and returns its text as well.
func readLock(name string) (*contract.Lock, []byte, error) {
	lock, text, err := contract.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, hintError{fmt.Errorf("there is no lock file %s", name), "write one with mcpengine inspect SERVER -o " + name}
	}
	return lock, text, err
}

// printLock prints the lock, or in text what is in it.
func (c *cli) printLock(lock *contract.Lock, f *inspectFlags) error {
	asJSON, err := c.asJSON(f.output)
	switch {
	case err != nil:
		return err
	case asJSON && f.file == "":
		text, err := lock.Encode()
		if err != nil {
			return err
		}
		return c.stdout.JSON(json.RawMessage(text))
	case asJSON:
		return nil // it is in the file
	}
	c.stdout.Printf("%s (protocol version %s)\n%s\n", lock.Server.Name, lock.ProtocolVersion, lock.Digest)
	rows := [][]string{{"KIND", "NAME", "TOKENS", "WHO"}}
	for _, feature := range lock.Features() {
		rows = append(rows, []string{feature.Kind, feature.Name, fmt.Sprint(feature.Tokens), feature.Access})
	}
	c.stdout.Table(rows)
	return nil
}

// printContract prints the changes of a contract in the wanted format. It is an
// error when one of them is not acceptable.
func (c *cli) printContract(changes contract.Changes, old []byte, f *inspectFlags) error {
	switch f.output {
	case "json":
		if err := c.stdout.JSON(map[string]any{"worst": changes.Worst(), "changes": append(contract.Changes{}, changes...)}); err != nil {
			return err
		}
	case "markdown":
		c.stdout.Printf("%s", terminal.Trusted(changes.Markdown()))
	case "sarif":
		log, err := changes.SARIF(filepath.ToSlash(f.diff), old)
		if err != nil {
			return err
		}
		if err := c.stdout.JSON(json.RawMessage(log)); err != nil {
			return err
		}
	default:
		for _, change := range changes {
			c.stdout.Printf("%-10s  %s\n", change.Class.String(), change.String())
		}
		c.stdout.Printf("%s\n", changes.Summary())
	}
	return f.verdict(changes)
}

// verdict returns an error when a change is not acceptable.
func (f *inspectFlags) verdict(changes contract.Changes) error {
	worst := contract.Compatible
	for _, change := range changes {
		accepted := slices.Contains(f.accept, change.Class.String()) || change.Class == contract.Notice && !f.strict
		if !accepted {
			worst = max(worst, change.Class)
		}
	}
	if worst == contract.Compatible {
		return nil
	}
	hint := "write " + f.diff + " again with mcpengine inspect -o when the change is meant"
	return hintError{fmt.Errorf("the contract has changed: %s", changes.Summary()), hint}
}
