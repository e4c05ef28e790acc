package config_test

import (
	"errors"
	"flag"
	"io"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/config"
)

// No text of a variable makes Read panic, and the text of a secret is in no error.
func FuzzValue(f *testing.F) {
	names := []string{
		"text", "yes", "maybe", "int", "small", "float", "number", "wait", "waits", "pair", "wait_pair", "when", "addr", "key", "level",
		"levels", "tags", "numbers", "site", "units", "name", "secret", "signature", "hidden", "pin",
	}
	for i := range names {
		for _, text := range []string{"true", "-1", "1e400", "5s,1h", "a,b", "\xff", "${user_config.X}", "[1]", `"`} {
			f.Add(uint8(i), text)
		}
	}
	f.Fuzz(func(t *testing.T, choice uint8, text string) {
		variable := strings.ToUpper(names[int(choice)%len(names)])
		_, err := read[every](t, nil, []string{variable + "=" + text})
		if err == nil {
			return
		}
		if _, ok := errors.AsType[*config.Error](err); !ok {
			t.Errorf("%s = %q is refused with %T", variable, text, err)
		}
		_, another := read[every](t, nil, []string{variable + "=\xff"})
		for _, secret := range []string{"SECRET", "SIGNATURE", "HIDDEN", "PIN"} {
			// What does not depend on the value shows nothing of it.
			if variable == secret && err.Error() != another.Error() && strings.ReplaceAll(another.Error(), "UTF-8", expected[secret]) != err.Error() {
				t.Errorf("the error for %s = %q is %v", variable, text, err)
			}
		}
	})
}

// expected is what the errors of secrets say that they must be.
var expected = map[string]string{
	"SECRET":    "text of at least 8 characters",
	"SIGNATURE": "base64 such as aGVsbG8=",
	"HIDDEN":    "text",
	"PIN":       "an integer from -128 to 127",
}

// Arguments mean what they mean to package flag.
func FuzzArguments(f *testing.F) {
	for _, args := range []string{
		"", "--text a", "-text=a --yes", "--yes=false", "--yes false", "--text", "-- --text a", "--", "-", "---text", "--text=", "--text -h",
		"-h", "--help", "--unknown", "x --text a", "--text --yes", "--=a", "-text -- --yes --",
	} {
		f.Add(args)
	}
	type settings struct {
		Text string `json:"text,omitempty"`
		Yes  bool   `json:"yes,omitempty"`
	}
	f.Fuzz(func(t *testing.T, line string) {
		args := strings.Split(line, " ")
		if line == "" {
			args = nil
		}
		var want settings
		set := flag.NewFlagSet("", flag.ContinueOnError)
		set.SetOutput(io.Discard)
		set.StringVar(&want.Text, "text", "", "")
		set.BoolVar(&want.Yes, "yes", false, "")
		wantErr := set.Parse(args)
		got, err := read[settings](t, args, nil)
		if strings.ToValidUTF8(line, "") != line {
			return // package flag has no such rule
		}
		switch _, help := errors.AsType[*config.Help](err); {
		case errors.Is(wantErr, flag.ErrHelp):
			if !help {
				t.Errorf("%q asks for help, but the error is %v", args, err)
			}
		case wantErr != nil || set.NArg() > 0:
			if err == nil {
				t.Errorf("%q is accepted, but package flag says %v and leaves %q", args, wantErr, set.Args())
			}
		case err != nil || got != want:
			t.Errorf("%q gives %+v, %v, and with package flag %+v", args, got, err, want)
		}
	})
}
