package doctor_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/doctor"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/hostconfig"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/profile"
)

// A desk is a machine for a test.
type desk struct {
	doctor.Place
	t       *testing.T
	home    string
	program string // of mcpengine
	env     map[string]string
	runs    error
}

type keychain struct {
	secret string
	err    error
}

func (k keychain) Get() (string, error) { return k.secret, k.err }

func (k keychain) Set(string) error { return errors.New("the doctor changes nothing") }

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, home: t.TempDir(), env: map[string]string{}}
	d.program = d.write("bin/mcpengine", "#!/bin/sh\n", 0o700)
	d.Store = profile.NewStore(filepath.Join(d.home, "own"), nil)
	d.Keychain = keychain{secret: "the key"}
	d.Environment = hostconfig.Environment{
		OS: "linux", Home: d.home, State: d.Store.Home(), Glob: filepath.Glob,
		Getenv: func(name string) string { return d.env[name] },
		Exists: func(name string) bool { _, err := os.Stat(name); return err == nil },
		Run:    func(context.Context, string, ...string) error { return d.runs },
	}
	d.Ours = func(*hostconfig.Host) func(string) (hostconfig.Server, bool) {
		return func(name string) (hostconfig.Server, bool) {
			_, err := d.Store.Load(name)
			return hostconfig.Server{Name: name, Command: d.program}, err == nil
		}
	}
	return d
}

func (d *desk) write(name, text string, mode os.FileMode) string {
	d.t.Helper()
	file := filepath.Join(d.home, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		d.t.Fatal(err)
	}
	return file
}

func (d *desk) save(name string, p *profile.Profile) {
	d.t.Helper()
	p.URL = "https://far.example/mcp"
	if err := d.Store.Save(d.t.Context(), name, p, ""); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) cursor(name, command, args string) {
	d.write(".cursor/mcp.json", `{"mcpServers": {"`+name+`": {"command": "`+command+`", "args": [`+args+`]}}}`, 0o600)
}

func TestMachine(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the desk has programs of Unix")
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // of a test
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	well := newDesk(t)
	well.save("far", &profile.Profile{})
	well.cursor("far", well.program, `"bridge", "far"`)
	well.write("own/oauth/x.token", "mcpengine sealed 1\nabc", 0o600)
	wantWell(t, doctor.Machine(t.Context(), well.Place, doctor.Config{}))

	for _, test := range []struct {
		name, check string
		level       doctor.Level
		plant       func(d *desk)
	}{
		{"file of a host does not parse", "host.file", doctor.Failure, func(d *desk) { d.write(".cursor/mcp.json", `{"mcpServers": `, 0o600) }},
		{"program is gone", "host.command", doctor.Failure, func(d *desk) { d.cursor("notes", "/nowhere/notes-server", "") }},
		{"program is not on PATH", "host.command", doctor.Failure, func(d *desk) { d.cursor("notes", "mcpengine-no-such-program", "") }},
		{"profile is gone", "host.entry", doctor.Failure, func(d *desk) { d.cursor("far", d.program, `"bridge", "far"`) }},
		{"our program is gone", "host.entry", doctor.Failure, func(d *desk) {
			d.save("far", &profile.Profile{})
			d.cursor("far", "/nowhere/mcpengine", `"bridge", "far"`)
		}},
		{"our program does not run", "host.entry", doctor.Failure, func(d *desk) {
			d.save("far", &profile.Profile{})
			d.cursor("far", d.program, `"bridge", "far"`)
			d.runs = errors.New("exec format error")
		}},
		{"profile does not parse", "machine.profile", doctor.Failure, func(d *desk) { d.write("own/profiles/far.json", `{"url": 7}`, 0o600) }},
		{"file of a profile is gone", "machine.profile", doctor.Failure, func(d *desk) { d.save("far", &profile.Profile{CAFile: "/nowhere/ca.pem"}) }},
		{"variable of a profile is not set", "machine.profile", doctor.Failure, func(d *desk) {
			d.save("far", &profile.Profile{Headers: []profile.Header{{Name: "X-Key", Env: "NO_SUCH_KEY"}}})
		}},
		{"folder of others", "machine.home", doctor.Failure, func(d *desk) {
			d.write("own/x", "", 0o600)
			if err := os.Chmod(filepath.Join(d.home, "own"), 0o777); err != nil { //nolint:gosec // the fault
				d.t.Fatal(err)
			}
		}},
		{"keychain is locked", "machine.keychain", doctor.Failure, func(d *desk) {
			d.write("own/oauth/x.token", "mcpengine sealed 1\nabc", 0o600)
			d.Keychain = keychain{err: errors.New("locked")}
		}},
		{"keychain has lost the key", "machine.keychain", doctor.Failure, func(d *desk) {
			d.write("own/oauth/x.token", "mcpengine sealed 1\nabc", 0o600)
			d.Keychain = keychain{}
		}},
		{"proxy is away", "machine.proxy", doctor.Failure, func(d *desk) { d.env["HTTPS_PROXY"] = "http://user:secret@" + closed.Addr().String() }},
		{"proxies differ", "machine.proxy", doctor.Warning, func(d *desk) {
			d.env["NO_PROXY"], d.env["no_proxy"] = "a.example", "b.example"
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			test.plant(d)
			wantFinding(t, doctor.Machine(t.Context(), d.Place, doctor.Config{}), test.check, test.level, "")
		})
	}
}
