package arch

import (
	"fmt"
	"slices"
	"strings"
)

// The modules with rules: the library, and the command line, which has
// dependencies of its own.
const (
	root = "github.com/mcpengine/mcpengine"
	cli  = root + "/cmd/mcpengine"
)

// aboveRoot are the folders whose packages may import the root package: the
// programs, the extensions and what adds to an engine.
var aboveRoot = []string{root + "/cmd", root + "/conformance", root + "/audit", root + "/middleware", extensions}

// extensions is the folder of the extensions, which import no internal package
// of the library.
const extensions = root + "/ext"

// owners names, for each third-party module, the packages that may import it.
// One module, one owner: the rest of the project speaks of schemas or commands,
// not of the library behind them, and can change the library in one place. A
// module with several owners says why. Tests may import what they like.
var owners = map[string][]string{
	"github.com/spf13/cobra": {cli},
	"github.com/spf13/pflag": {cli},

	// A saved file is noticed at once, on every system.
	"github.com/fsnotify/fsnotify": {cli + "/internal/dev"},

	// A person sees the name of a host as DNS has it.
	"golang.org/x/net": {cli},

	// The newest of the versions that a commit is tagged with.
	"golang.org/x/mod": {cli + "/internal/describe"},

	// An image is asked for its label, as the registry asks it.
	"github.com/google/go-containerregistry": {cli + "/internal/registry"},

	// The templates of new servers are archives.
	"golang.org/x/tools": {cli + "/internal/scaffold"},

	// The client signs, and a server reads keys.
	"github.com/go-jose/go-jose/v4": {root + "/auth/idp", root + "/internal/oauth"},
	"golang.org/x/sync":             {root + "/auth", root + "/auth/idp", root + "/auth/broker"},

	// Signing in needs these of the system.
	"github.com/cli/browser":        {root + "/internal/oauth"},
	"github.com/zalando/go-keyring": {root + "/internal/oauth"},

	// The formats of hosts' files, and the locks. A host's file, our profile
	// and the token store are each edited by one package, and one program develops in a
	// folder.
	"github.com/tailscale/hujson":     {cli + "/internal/hostconfig"},
	"github.com/pelletier/go-toml/v2": {cli + "/internal/hostconfig"},
	"go.yaml.in/yaml/v3":              {cli + "/internal/hostconfig"},
	"github.com/gofrs/flock":          {cli + "/internal/dev", cli + "/internal/hostconfig", root + "/internal/oauth", cli + "/internal/profile"},

	// The AWS SDK is one library in a module for each service.
	// One package deploys, the other calls what is deployed.
	"github.com/aws/aws-sdk-go-v2":                          {cli + "/internal/awsauth", cli + "/internal/deploy"},
	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream": {cli + "/internal/awsauth", cli + "/internal/deploy/fakeaws"},
	"github.com/aws/aws-sdk-go-v2/config":                   {cli + "/internal/awsauth", cli + "/internal/deploy"},
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs":   {cli + "/internal/deploy"},
	"github.com/aws/aws-sdk-go-v2/service/dynamodb":         {cli + "/internal/deploy"},
	"github.com/aws/aws-sdk-go-v2/service/iam":              {cli + "/internal/deploy"},
	"github.com/aws/aws-sdk-go-v2/service/lambda":           {cli + "/internal/deploy"},
	"github.com/aws/aws-sdk-go-v2/service/sts":              {cli + "/internal/deploy"},
	"github.com/aws/smithy-go":                              {cli + "/internal/awsauth", cli + "/internal/deploy"},

	// A server needs only its strings. The client and the command, which no server
	// links, may use all of it.
	"github.com/go-json-experiment/json": {
		root + "/client",
		root + "/contract",
		root + "/internal/jsonrpc",
		root + "/internal/oauth",
		cli + "/internal/profile",
	},
}

// unlinked are the import paths that no server binary may link, with all below
// them: each costs size and start-up time, and none serves a request.
var unlinked = []string{
	"database/sql",
	"github.com/aws/aws-sdk-go",
	"github.com/aws/aws-sdk-go-v2",
	"github.com/aws/smithy-go",
	"github.com/cli/browser",
	"github.com/gofrs",
	"github.com/google/jsonschema-go",
	"github.com/jackc",
	"github.com/pelletier",
	"github.com/spf13",
	"github.com/tailscale",
	"github.com/zalando",
	"golang.org/x/oauth2",
	"modernc.org",
	"testing",
}

// verification is what only a server with protected features may link.
var verification = []string{root + "/auth/idp", "github.com/go-jose"}

// brokering is what only a server that issues tokens may link.
var brokering = []string{root + "/auth/broker", "html/template", "text/template"}

// exchanging is what only a server that calls APIs as its callers may link.
var exchanging = []string{root + "/auth/upstream"}

// ProtectedServerLinks reports the packages that issue or get tokens in the graph of
// a server that checks tokens and does no more.
func ProtectedServerLinks(g Graph) []string {
	var broken []string
	for path := range g {
		if within(path, brokering) {
			broken = append(broken, fmt.Sprintf("a server binary without a broker links %s", path))
		}
		if within(path, exchanging) {
			broken = append(broken, fmt.Sprintf("a server binary that calls no API as its callers links %s", path))
		}
	}
	return sorted(broken)
}

// OpenServerLinks reports the packages that verify tokens in the graph of a
// server binary without protected features.
func OpenServerLinks(g Graph) []string {
	var broken []string
	for path := range g {
		if within(path, verification) {
			broken = append(broken, fmt.Sprintf("a server binary without authentication links %s", path))
		}
	}
	return sorted(broken)
}

// RootImports reports the packages of the module that import the root package
// and are not above it. Tests in package x_test may import it from anywhere.
func RootImports(g Graph) []string {
	var broken []string
	for _, p := range g.own() {
		if p.ImportPath == root || within(p.ImportPath, aboveRoot) {
			continue
		}
		if slices.Contains(p.Imports, root) || slices.Contains(p.TestImports, root) {
			broken = append(broken, fmt.Sprintf("%s imports %s: only programs, extensions and external tests may", p.ImportPath, root))
		}
	}
	return sorted(broken)
}

// ExtensionImports reports the imports of the library's internal packages by
// extensions.
func ExtensionImports(g Graph) []string {
	var broken []string
	for _, p := range g.own() {
		if !within(p.ImportPath, []string{extensions}) {
			continue
		}
		for _, path := range p.Imports {
			if within(path, []string{root + "/internal"}) {
				broken = append(broken, fmt.Sprintf("%s imports %s: an extension stands on public packages", p.ImportPath, path))
			}
		}
	}
	return sorted(broken)
}

// ForeignImports reports the imports of a third-party module by a package that
// does not own it.
func ForeignImports(g Graph) []string {
	var broken []string
	for _, p := range g.own() {
		for _, path := range p.Imports {
			module := g[path].Module
			if module == nil || isOwn(module) {
				continue // the standard library, or ours
			}
			allowed, known := owners[module.Path]
			switch {
			case !known:
				broken = append(broken, fmt.Sprintf("%s imports %s of the new module %s: give the module an owner in test/arch/rules.go", p.ImportPath, path, module.Path))
			case !slices.Contains(allowed, p.ImportPath):
				broken = append(broken, fmt.Sprintf("%s imports %s: module %s belongs to %s (test/arch/rules.go)", p.ImportPath, path, module.Path, strings.Join(allowed, ", ")))
			}
		}
	}
	return sorted(broken)
}

// WireImports reports what package mcp imports besides the standard library.
// The package holds the wire types, and must not bring other modules to its
// users.
func WireImports(g Graph) []string {
	var broken []string
	for _, path := range g[root+"/mcp"].Imports {
		if !g[path].Standard {
			broken = append(broken, fmt.Sprintf("%s/mcp imports %s: only the standard library is allowed", root, path))
		}
	}
	return sorted(broken)
}

// ServerLinks reports the packages in the graph of a server binary that no
// server needs.
func ServerLinks(g Graph) []string {
	var broken []string
	for path := range g {
		if within(path, unlinked) {
			broken = append(broken, fmt.Sprintf("a server binary links %s", path))
		}
	}
	return sorted(broken)
}

func isOwn(m *Module) bool { return m.Path == root || m.Path == cli }

// own returns the packages of both modules.
func (g Graph) own() []Package {
	var own []Package
	for _, p := range g {
		if p.Module != nil && isOwn(p.Module) {
			own = append(own, p)
		}
	}
	return own
}

// within reports whether path is one of the prefixes or below one.
func within(path string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool {
		return path == prefix || strings.HasPrefix(path, prefix+"/")
	})
}

func sorted(s []string) []string {
	slices.Sort(s)
	return s
}
