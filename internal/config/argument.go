package config

import (
	"fmt"
	"strings"
)

// The arguments of a program, read by the grammar of package flag. That package
// itself ends at the first fault, and shows the text of an argument that it does not
// know, which may be a secret.
type arguments struct {
	settings []setting
	texts    [][]string // of each setting: nil for none, empty where the value is missing
	faults   []string
}

// parse reports whether the arguments ask for help.
func (a *arguments) parse(args []string) (help bool) {
	for i := 0; i < len(args); i++ {
		name, text, given, ok := cutFlag(args[i])
		if args[i] == "--" && i+1 == len(args) {
			break
		}
		if !ok { // its text stays unsaid: it may be a secret in the wrong place
			a.fault("argument %d is not a flag: a value is given as --name VALUE or --name=VALUE", i+1)
			continue
		}
		if name == "h" || name == "help" {
			return true
		}
		at := a.find(name)
		switch {
		case at < 0:
			a.fault("argument %d: there is no flag --%.64s", i+1, name)
			continue
		case given:
		case a.settings[at].Kind == "boolean":
			text = "true"
		case i+1 == len(args):
			a.texts[at] = []string{}
			continue
		default:
			i++
			text = args[i]
		}
		a.texts[at] = append(a.texts[at], text)
	}
	return false
}

func (a *arguments) fault(format string, args ...any) {
	a.faults = append(a.faults, fmt.Sprintf(format, args...))
}

// find returns the index of the setting with that flag. A secret is found too: its
// value must not be taken for the next argument.
func (a *arguments) find(name string) int {
	for i := range a.settings {
		if a.settings[i].flag == name {
			return i
		}
	}
	return -1
}

// cutFlag takes -name, --name and --name=text apart. The name has only the characters
// that a flag can have.
func cutFlag(arg string) (name, text string, given, ok bool) {
	name, dashed := strings.CutPrefix(arg, "-")
	name = strings.TrimPrefix(name, "-")
	name, text, given = strings.Cut(name, "=")
	return name, text, given, dashed && isName(strings.ReplaceAll(name, "-", "_"))
}
