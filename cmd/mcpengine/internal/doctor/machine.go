package doctor

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/hostconfig"
	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/profile"
	"github.com/mcpengine/mcpengine/internal/oauth"
	"github.com/mcpengine/mcpengine/internal/private"
)

// A Place is what is examined of this machine.
type Place struct {
	Environment hostconfig.Environment
	Store       *profile.Store
	// Keychain has the key that tokens are sealed with.
	Keychain oauth.Keychain
	// Ours returns what is known of the server of a name, as [hostconfig.Host.Status]
	// wants it.
	Ours func(*hostconfig.Host) func(name string) (hostconfig.Server, bool)
}

// A survey examines this machine.
type survey struct {
	Config
	*Report
	Place
}

// Machine examines this machine: the program's own files, and the hosts'.
func Machine(ctx context.Context, p Place, c Config) *Report {
	s := &survey{Config: c.withDefaults(), Report: &Report{}, Place: p}
	side(
		s.home,
		s.keychain,
		s.profiles,
		func() { s.proxies(ctx) },
		func() { s.hosts(ctx) },
	)
	return s.Report
}

func (s *survey) home() {
	home := s.Store.Home()
	info, err := os.Stat(home)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.ok("machine.home", "%s does not exist yet", home)
	case err != nil:
		s.fail("machine.home", "%s", err)
	case !info.IsDir():
		s.fail("machine.home", "%s is not a folder", home)
	default:
		if err := private.Check(home); err != nil {
			s.fail("machine.home", "%s", err)
			return
		}
		s.ok("machine.home", "%s", home)
	}
}

func (s *survey) keychain() {
	dir := filepath.Join(s.Store.Home(), "oauth")
	if !oauth.HasSealed(dir) {
		text := "no token is kept"
		if names, err := filepath.Glob(filepath.Join(dir, "*.token")); err == nil && len(names) > 0 {
			text = "the tokens are in files that only you may read, without a key of a keychain"
		}
		s.ok("machine.keychain", "%s", text)
		return
	}
	type answer struct {
		secret string
		err    error
	}
	answered := make(chan answer, 1)
	go func() {
		secret, err := s.Keychain.Get()
		answered <- answer{secret, err}
	}()
	timer := time.NewTimer(s.Timeout)
	defer timer.Stop()
	select {
	case a := <-answered:
		switch {
		case a.err != nil:
			s.fail("machine.keychain", "the tokens are sealed, and the keychain does not open: %s", a.err)
		case a.secret == "":
			s.fail("machine.keychain", "the tokens are sealed with a key that the keychain does not have")
		default:
			s.ok("machine.keychain", "the keychain has the key of the tokens")
		}
	case <-timer.C:
		s.fail("machine.keychain", "the tokens are sealed, and the keychain does not answer")
	}
}

func (s *survey) profiles() {
	names, err := s.Store.Names()
	if err != nil {
		s.fail("machine.profile", "%s", err)
		return
	}
	well := 0
	for _, name := range names {
		p, err := s.Store.Load(name)
		if err != nil {
			s.fail("machine.profile", "%s", err)
			continue
		}
		missing := p.Missing(s.Environment.Getenv)
		if _, err := s.Store.Environment(name, p); err != nil {
			missing = append(missing, "the secret variables")
		}
		if p.ClientSecret != nil && p.ClientSecret.Stored {
			if _, err := s.Store.Secret(name, p, s.Environment.Getenv); err != nil {
				missing = append(missing, "the client secret")
			}
		}
		if len(missing) > 0 {
			s.fail("machine.profile", "the profile %s needs what is not there: %s", name, strings.Join(missing, "; "))
			continue
		}
		well++
	}
	if well == len(names) {
		s.ok("machine.profile", "%s", number(well, "profile"))
	}
}

// proxies looks at the variables that net/http reads.
func (s *survey) proxies(ctx context.Context) {
	set := false
	for _, name := range []string{"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"} {
		upper, lower := s.Environment.Getenv(name), s.Environment.Getenv(strings.ToLower(name))
		value := upper
		if value == "" {
			value = lower
		}
		switch {
		case value == "":
			continue
		case upper != "" && lower != "" && upper != lower:
			s.warn("machine.proxy", "%s and %s differ: programs do not agree on which one counts", name, strings.ToLower(name))
		}
		if set = true; name != "NO_PROXY" {
			s.proxy(ctx, name, value)
		}
	}
	if !set {
		s.ok("machine.proxy", "no proxy is set")
	}
}

func (s *survey) proxy(ctx context.Context, name, value string) {
	u, err := url.Parse(value)
	if err != nil || u.Host == "" {
		if u, err = url.Parse("http://" + value); err != nil || u.Host == "" {
			s.fail("machine.proxy", "%s is not a URL", name)
			return
		}
	}
	at := addressOf(u)
	if err := s.dial(ctx, at); err != nil {
		s.fail("machine.proxy", "%s names %s, which cannot be reached: %s", name, at, reason(err))
		return
	}
	s.ok("machine.proxy", "%s names %s", name, at)
}

// hosts examines the files of every host that is there.
func (s *survey) hosts(ctx context.Context) {
	found := 0
	for _, host := range hostconfig.Hosts() {
		for _, file := range host.Listed(s.Environment, s.Ours(host)) {
			found++
			if file.Err != nil {
				s.fail("host.file", "%s: %s cannot be read: %s", host.Name, file.Name, file.Err)
				continue
			}
			s.ok("host.file", "%s: %s has %s", host.Name, file.Name, number(len(file.Servers), "server"))
			for _, server := range file.Servers {
				s.entry(ctx, host, server)
			}
		}
	}
	if found == 0 {
		s.ok("host.file", "no host has a file of servers")
	}
}

// entry examines one server of a host. Only the program of mcpengine is run, to ask
// for its version: what other programs do when they start is not known.
func (s *survey) entry(ctx context.Context, host *hostconfig.Host, server hostconfig.Listed) {
	check := "host.command"
	if server.Ours {
		check = "host.entry"
	}
	if len(server.Program) == 0 {
		return // the host reaches the server itself
	}
	what, command := host.Name+": "+server.Name, server.Program[0]
	if err := executable(command); err != "" {
		s.fail(check, "%s starts %s, which %s", what, command, err)
		return
	}
	if !server.Ours || !slices.Equal(server.Program[1:], []string{"bridge", server.Name}) {
		s.ok(check, "%s starts %s", what, command)
		return
	}
	if _, err := s.Store.Load(server.Name); errors.Is(err, fs.ErrNotExist) {
		s.fail(check, "%s is an entry for a profile that does not exist", what)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	if err := s.Environment.Run(ctx, command, "version"); err != nil {
		s.fail(check, "%s starts %s, which does not run: %s", what, command, err)
		return
	}
	s.ok(check, "%s starts %s", what, command)
}

// executable says why a command cannot be executed, or nothing.
func executable(command string) string {
	_, err := exec.LookPath(command)
	switch {
	case err == nil || errors.Is(err, exec.ErrDot):
		return ""
	case errors.Is(err, fs.ErrPermission):
		return "may not be executed"
	case filepath.IsAbs(command):
		return "does not exist"
	}
	return "is not on the PATH of this shell (a host may have another)"
}
