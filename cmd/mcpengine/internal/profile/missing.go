package profile

import (
	"fmt"
	"os"
	"path/filepath"
)

// Missing returns what the profile refers to and what is not there: files, and
// variables of the environment. It runs no command.
func (p *Profile) Missing(getenv func(string) string) []string {
	var missing []string
	file := func(what, name string) {
		if name == "" {
			return
		}
		if _, err := os.Stat(name); err != nil {
			missing = append(missing, fmt.Sprintf("%s %s", what, name))
		}
	}
	variable := func(what, name string) {
		if name != "" && getenv(name) == "" {
			missing = append(missing, fmt.Sprintf("the variable %s of %s", name, what))
		}
	}
	for _, h := range p.Headers {
		file("the file of the header "+h.Name+",", h.File)
		variable("the header "+h.Name, h.Env)
	}
	if s := p.ClientSecret; s != nil {
		file("the file of the client secret,", s.File)
		variable("the client secret", s.Env)
	}
	if p.Pin != nil {
		file("the lock file", p.Pin.File)
	}
	if p.Command != nil && filepath.IsAbs(p.Command[0]) {
		file("the program", p.Command[0])
	}
	file("the certificates", p.CAFile)
	file("the client's certificate", p.CertFile)
	file("the key of the client's certificate", p.KeyFile)
	return missing
}
