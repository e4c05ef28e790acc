package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/describe"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/registry"
	"github.com/mcpengine/mcpengine/internal/manifest"
	"github.com/mcpengine/mcpengine/internal/weburl"
	"github.com/mcpengine/mcpengine/mcp"
)

// publishFlags are the flags of publish as they were given.
type publishFlags struct {
	awsFlags
	version, out      string
	bundles, images   []string
	deployed, path    string
	registry          string
	key, domain       string
	http              bool
	dry, offline, yes bool
}

func (c *cli) publish() *cobra.Command {
	f := &publishFlags{}
	cmd := &cobra.Command{
		Use:   "publish [DIR|PACKAGE] [flags]",
		Short: "List a server in the registry",
		Long: `The entry comes from mcpengine.json, and what that leaves out from the module,
the git tag and the program. It is printed, checked and, once confirmed,
published for good: a published version never changes.`,
		Example: `  mcpengine publish ./cmd/weather --mcpb weather-mcp.mcpb --dry-run`,
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return usageError{err}
			}
			folderOrPackage := "."
			if len(args) > 0 {
				folderOrPackage = args[0]
			}
			return c.runPublish(cmd.Context(), folderOrPackage, f)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVar(&f.dry, "dry-run", false, "print and check the entry, and publish nothing")
	flags.StringVarP(&f.out, "output", "o", "", "write the entry to a `file`, by convention server.json")
	flags.StringVar(&f.version, "version", "", "`version` (default: of mcpengine.json or the git tag)")
	flags.StringArrayVar(&f.bundles, "mcpb", nil, "bundle `file` that is an asset of the release")
	flags.StringArrayVar(&f.images, "image", nil, "`image` in a public registry, with its tag")
	flags.StringVar(&f.deployed, "deployed", "", "`name` of a server that mcpengine deploy has put on AWS")
	f.add(cmd)
	addPath(cmd, &f.path)
	flags.StringVar(&f.registry, "registry", "", "`URL` of a registry other than the official one")
	flags.StringVar(&f.key, "key", "", "`file` with the Ed25519 key of the domain")
	flags.StringVar(&f.domain, "domain", "", "`domain` with the key (default: of the name)")
	flags.BoolVar(&f.http, "http", false, "the domain shows its key over HTTP and not in DNS")
	flags.BoolVar(&f.offline, "offline", false, "with --dry-run: ask nobody on the network")
	addYes(cmd, &f.yes)
	for _, name := range []string{"region", "profile", "path", "domain", "http", "offline"} {
		flags.Lookup(name).Hidden = true // they are in the documentation, so that help fits a screen
	}
	return cmd
}

func (f *publishFlags) check() error {
	f.registry = cmp.Or(f.registry, registry.Official)
	if _, err := weburl.ParseSecure(f.registry); err != nil {
		return fmt.Errorf("--registry: %w", err)
	}
	f.registry = strings.TrimSuffix(f.registry, "/")
	switch {
	case f.offline && !f.dry:
		return errors.New("--offline is for --dry-run")
	case f.key == "" && (f.domain != "" || f.http):
		return errors.New("--domain and --http are for --key")
	}
	return nil
}

func (c *cli) runPublish(ctx context.Context, folderOrPackage string, f *publishFlags) error {
	d, err := describe.Program(ctx, folderOrPackage, describe.Options{
		Version: f.version,
		Program: func(ctx context.Context) (*mcp.Implementation, error) { return c.askProgram(ctx, folderOrPackage) },
	})
	if err != nil {
		return err
	}
	if err := c.connections(ctx, d, f); err != nil {
		return err
	}
	c.printOrigins(d)
	if len(d.Missing) > 0 {
		return fmt.Errorf("the entry is not complete: %s", lacks(d.Missing))
	}
	server := registry.New(&d.Manifest)
	text, err := server.Encode()
	if err != nil {
		return err
	}
	if err := c.printServer(text, f); err != nil {
		return err
	}
	remote := &registry.Client{URL: f.registry}
	checks := server.Check(&d.Manifest)
	if !f.offline {
		checks = append(checks, remote.Ask(ctx, server)...)
	}
	if err := c.printChecks(checks); err != nil {
		return err
	}
	credential, err := c.credential(server.Name, f)
	if err != nil && !f.dry {
		return err
	}
	c.printPlan(server, credential, err, f)
	if f.dry {
		return nil
	}
	return c.send(ctx, remote, credential, server, f)
}

// send publishes the entry, once the user has agreed.
func (c *cli) send(ctx context.Context, remote *registry.Client, credential registry.Credential, server *registry.Server, f *publishFlags) error {
	if !f.yes {
		if err := c.proceed(ctx); err != nil {
			return err
		}
	}
	token, err := remote.SignIn(ctx, credential)
	if err != nil {
		return err
	}
	if err := remote.Publish(ctx, token, server); err != nil {
		return err
	}
	c.stdout.Printf("%s %s\n", server.Name, server.Version)
	return nil
}

// askProgram asks the program who it is. One that wants settings to start leaves that
// to its manifest.
func (c *cli) askProgram(ctx context.Context, folderOrPackage string) (*mcp.Implementation, error) {
	source, err := deploy.FindSource(ctx, folderOrPackage, deploy.BuildFlags{})
	if err != nil {
		return nil, err
	}
	program, err := c.runForBundle(ctx, source)
	if err != nil {
		return nil, hintError{err, "write title and description into " + manifest.FileName + ", and the program is not asked"}
	}
	if !program.Ran {
		c.stderr.Printf("the program is not asked who it is, because it needs %s to start\n", strings.Join(program.Missing, ", "))
		return nil, nil //nolint:nilnil // as describe.Options has it
	}
	return &program.Info, nil
}

// connections adds the packages and remotes of the flags to those of the file.
func (c *cli) connections(ctx context.Context, d *describe.Description, f *publishFlags) error {
	for _, file := range f.bundles {
		p, err := bundlePackage(file, d)
		if err != nil {
			return err
		}
		d.Packages = addPackage(d.Packages, p)
		d.From["packages"] = "--mcpb"
	}
	for _, image := range f.images {
		d.Packages = addPackage(d.Packages, manifest.Package{
			RegistryType: "oci", Identifier: image, RuntimeHint: "docker", Transport: manifest.Transport{Type: "stdio"},
		})
		d.From["packages"] = "--image"
	}
	if f.deployed == "" {
		return nil
	}
	deployer, err := c.connect(ctx, f.awsFlags)
	if err != nil {
		return err
	}
	endpoint, err := deployer.Find(ctx, f.deployed, f.path)
	switch {
	case err != nil:
		return err
	case endpoint.IAM:
		return fmt.Errorf("%s wants requests that AWS credentials have signed, and no client of a registry signs them", f.deployed)
	}
	d.Remotes = append(d.Remotes, manifest.Transport{Type: "streamable-http", URL: endpoint.URL})
	d.From["remotes"] = "--deployed"
	return nil
}

// addPackage adds a package, in the place of one of the file with that identifier: the
// file may have its arguments and variables, which a flag cannot say.
func addPackage(packages []manifest.Package, p manifest.Package) []manifest.Package {
	for i := range packages {
		if packages[i].RegistryType == p.RegistryType && packages[i].Identifier == p.Identifier {
			packages[i].FileSHA256 = p.FileSHA256
			return packages
		}
	}
	return append(packages, p)
}

// bundlePackage returns the package of a bundle that is, or will be, an asset of the
// release on GitHub.
func bundlePackage(file string, d *describe.Description) (p manifest.Package, err error) {
	if d.Repository == nil || d.Repository.Source != "github" {
		return p, hintError{
			fmt.Errorf("--mcpb %s: the repository is not on GitHub, so that the URL of the bundle is not known", file),
			"write the package, with its URL, into " + manifest.FileName,
		}
	}
	p, err = registry.Bundle(file, d.Repository.URL, cmp.Or(d.Tag, "v"+d.Version))
	if err != nil {
		return p, fmt.Errorf("--mcpb: %w", err)
	}
	return p, nil
}

// credential returns how the user proves the namespace of the name.
func (c *cli) credential(name string, f *publishFlags) (registry.Credential, error) {
	if f.key != "" {
		text, err := c.readFile(f.key, maxKeyFile)
		if err != nil {
			return nil, fmt.Errorf("--key: %w", err)
		}
		key, err := registry.ParseKey(text)
		if err != nil {
			return nil, fmt.Errorf("--key %s: %w", f.key, err)
		}
		return registry.DomainKey{Domain: cmp.Or(f.domain, registry.DomainOf(name)), HTTP: f.http, Key: key, Now: time.Now}, nil
	}
	if address := c.getenv("ACTIONS_ID_TOKEN_REQUEST_URL"); address != "" {
		return registry.GitHubActions{RequestURL: address, RequestToken: c.getenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN")}, nil
	}
	return nil, hintError{
		fmt.Errorf("nothing here proves the namespace of %s", name),
		"publish io.github names in a workflow of GitHub Actions with permissions: id-token: write, and names of a domain with --key",
	}
}

// maxKeyFile bounds the file of a key, in bytes.
const maxKeyFile = 16 << 10

// lacks says what is missing, in the order of the members' names.
func lacks(missing map[string]string) string {
	var all []string
	for _, member := range slices.Sorted(maps.Keys(missing)) {
		all = append(all, member+": "+missing[member])
	}
	return strings.Join(all, "; ")
}

// printOrigins says where each member is from.
func (c *cli) printOrigins(d *describe.Description) {
	values := map[string]string{
		"name": d.Name, "title": d.Title, "description": d.Description, "version": d.Version, "websiteUrl": d.WebsiteURL,
		"packages": fmt.Sprint(len(d.Packages)), "remotes": fmt.Sprint(len(d.Remotes)), "icons": fmt.Sprint(len(d.Icons)),
	}
	if d.Repository != nil {
		values["repository"] = d.Repository.URL
	}
	rows := [][]string{{"MEMBER", "VALUE", "FROM"}}
	for _, member := range slices.Sorted(maps.Keys(d.From)) {
		if value, ok := values[member]; ok {
			rows = append(rows, []string{member, value, d.From[member]})
		}
	}
	c.stderr.Table(rows)
}

// printServer prints the entry where it belongs: it is the answer of a dry run.
func (c *cli) printServer(text []byte, f *publishFlags) error {
	if f.out != "" {
		if err := writeFile(f.out, text); err != nil {
			return fmt.Errorf("write %s: %w", f.out, err)
		}
	}
	switch {
	case f.dry && f.out == "":
		c.stdout.Text(string(text))
	case f.dry:
		c.stdout.Printf("%s\n", f.out)
	default:
		c.stderr.Text(string(text))
	}
	return nil
}

// printChecks prints the checks, and returns an error when the registry would refuse.
func (c *cli) printChecks(checks []registry.Check) error {
	rows := [][]string{{"CHECK", "RESULT", ""}}
	faults := 0
	for _, check := range checks {
		if check.State == registry.Fault {
			faults++
		}
		rows = append(rows, []string{check.Rule, string(check.State), check.Detail})
	}
	c.stderr.Table(rows)
	switch faults {
	case 0:
		return nil
	case 1:
		return errors.New("the registry would refuse the entry: one check has failed")
	}
	return fmt.Errorf("the registry would refuse the entry: %d checks have failed", faults)
}

// printPlan says what is sent where.
func (c *cli) printPlan(server *registry.Server, credential registry.Credential, missing error, f *publishFlags) {
	who := "credentials that are not here (" + fmt.Sprint(missing) + ")"
	if missing == nil {
		who = credential.String()
	}
	if key, ok := credential.(registry.DomainKey); ok {
		c.stderr.Printf("%s must say: %s\n", key.Place(), key.Record())
	}
	verb := "This publishes"
	if f.dry {
		verb = "Without --dry-run this would publish"
	}
	c.stderr.Printf("%s %s %s at %s, with %s.\n", verb, server.Name, server.Version, f.registry, who)
}
