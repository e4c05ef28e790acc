package config_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/internal/config"
)

// read reads the settings of T from arguments and NAME=VALUE pairs.
func read[T any](t testing.TB, args, env []string) (T, error) {
	t.Helper()
	var v T
	d, err := config.Declare(reflect.TypeFor[T]())
	if err != nil {
		t.Fatal(err)
	}
	return v, d.Read(reflect.ValueOf(&v).Elem(), args, func(name string) string {
		for _, pair := range env {
			if key, value, _ := strings.Cut(pair, "="); key == name {
				return value
			}
		}
		return ""
	})
}

// level is a type with a text of its own.
type level int

func (l *level) UnmarshalText(text []byte) error {
	switch string(text) {
	case "low":
		*l = 1
	case "high":
		*l = 2
	default:
		return fmt.Errorf("there is no level %s", text)
	}
	return nil
}

type waits []time.Duration

type base struct {
	Region string `json:"region,omitempty"`
}

type Zone struct {
	Zone string `json:"zone,omitempty"`
}

type every struct {
	Text      string           `json:"text,omitempty"`
	Long      *string          `json:"long_text"`
	Yes       bool             `json:"yes,omitempty"`
	Maybe     *bool            `json:"maybe"`
	Int       int              `json:"int,omitempty" minimum:"-3" maximum:"1000"`
	Small     uint8            `json:"small,omitempty"`
	Float     float64          `json:"float,omitempty"`
	Big       *big.Int         `json:"big"`
	Number    json.Number      `json:"number,omitempty"`
	Wait      time.Duration    `json:"wait,omitempty"`
	WaitP     *time.Duration   `json:"wait_p"`
	Waits     waits            `json:"waits,omitempty"`
	Pair      [2]int           `json:"pair,omitempty"`
	WaitPair  [2]time.Duration `json:"wait_pair,omitempty"`
	When      time.Time        `json:"when,omitzero"`
	Addr      netip.Addr       `json:"addr,omitzero"`
	Key       []byte           `json:"key,omitempty"`
	Level     level            `json:"level,omitempty"`
	Levels    []level          `json:"levels,omitempty"`
	Tags      []string         `json:"tags,omitempty" maxItems:"3" pattern:"^[a-z ]*$"`
	Numbers   []int            `json:"numbers,omitempty" minimum:"1"`
	Site      string           `json:"site,omitempty" format:"uri"`
	Units     string           `json:"units,omitempty" enum:"metric,imperial"`
	Name      string           `json:"name,omitempty" minLength:"2" maxLength:"4"`
	Secret    string           `json:"secret,omitempty" sensitive:"true" minLength:"8"`
	Signature []byte           `json:"signature,omitempty" sensitive:"true"`
	Hidden    level            `json:"hidden,omitempty" sensitive:"true"`
	Pin       int8             `json:"pin,omitempty" sensitive:"true"`
	Skipped   chan int         `json:"-"`
	base
	*Zone
}

func TestValues(t *testing.T) {
	t.Parallel()
	five, text, no := 5*time.Second, "5", false
	for _, test := range []struct {
		name, text string
		want       every
	}{
		{"text", ` as it "is", `, every{Text: ` as it "is", `}},
		{"long_text", "5", every{Long: &text}},
		{"yes", "true", every{Yes: true}},
		{"yes", "1", every{Yes: true}},
		{"maybe", "false", every{Maybe: &no}},
		{"int", "-3", every{Int: -3}},
		{"small", "255", every{Small: 255}},
		{"float", "1e3", every{Float: 1000}},
		{"float", "-0.5", every{Float: -0.5}},
		{"number", "1.50", every{Number: "1.50"}},
		{"wait", "1h30m", every{Wait: 90 * time.Minute}},
		{"wait", "-5s", every{Wait: -five}},
		{"wait_p", "5s", every{WaitP: &five}},
		{"waits", "5s, 1ms", every{Waits: waits{five, time.Millisecond}}},
		{"pair", "1,2", every{Pair: [2]int{1, 2}}},
		{"wait_pair", "1ns,5s", every{WaitPair: [2]time.Duration{1, five}}},
		{"when", "2026-01-31T15:04:05Z", every{When: time.Date(2026, 1, 31, 15, 4, 5, 0, time.UTC)}},
		{"addr", "::1", every{Addr: netip.IPv6Loopback()}},
		{"key", "aGVsbG8=", every{Key: []byte("hello")}},
		{"level", "high", every{Level: 2}},
		{"levels", "low,high", every{Levels: []level{1, 2}}},
		{"tags", "a", every{Tags: []string{"a"}}},
		{"tags", "a, b c ,d", every{Tags: []string{"a", "b c", "d"}}},
		{"tags", "a,,b", every{Tags: []string{"a", "", "b"}}},
		{"numbers", "1,22", every{Numbers: []int{1, 22}}},
		{"site", "https://example.com/?a=b", every{Site: "https://example.com/?a=b"}},
		{"units", "metric", every{Units: "metric"}},
		{"region", "eu", every{base: base{"eu"}}},
		{"zone", "a", every{Zone: &Zone{"a"}}},
		{"secret", "12345678", every{Secret: "12345678"}},
		{"pin", "-128", every{Pin: -128}},
	} {
		variable, flag := strings.ToUpper(test.name), strings.ReplaceAll(test.name, "_", "-")
		file := filepath.Join(t.TempDir(), "value")
		if err := os.WriteFile(file, []byte(test.text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		ways := map[string][2][]string{
			"variable": {nil, {variable + "=" + test.text}},
			"file":     {nil, {variable + "_FILE=" + file}},
		}
		if test.name != "secret" && test.name != "pin" {
			ways["--flag value"] = [2][]string{{"--" + flag, test.text}}
			ways["-flag=value"] = [2][]string{{"-" + flag + "=" + test.text}}
			if test.want.Yes || test.want.Maybe != nil { // as with package flag
				delete(ways, "--flag value")
			}
		}
		for way, given := range ways {
			got, err := read[every](t, given[0], given[1])
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(every{}), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); err != nil || diff != "" {
				t.Errorf("%s = %q by %s: %v (-want +got):\n%s", test.name, test.text, way, err, diff)
			}
		}
	}
	if got, err := read[every](t, nil, []string{"BIG=123456789012345678901234567890"}); err != nil || got.Big.String() != "123456789012345678901234567890" {
		t.Errorf("a large integer is %v, %v", got.Big, err)
	}
}

func TestInvalidValues(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, text, want string }{
		{"yes", "maybe", `YES (--yes): must be a boolean, got "maybe"`},
		{"int", "many", `INT (--int): must be an integer, got "many"`},
		{"int", "007", `INT (--int): must be an integer, got "007"`},
		{"int", "0x10", `INT (--int): must be an integer, got "0x10"`},
		{"int", "1.5", `INT (--int): must be an integer, got 1.5`},
		{"int", "[1]", `INT (--int): must be an integer, got "[1]"`},
		{"int", "-4", `INT (--int): must be at least -3, got -4`},
		{"int", "1e2", `INT (--int): must be an integer from -9223372036854775808 to 9223372036854775807, got 1e2`},
		{"small", "256", `SMALL (--small): must be at most 255, got 256`},
		{"float", "NaN", `FLOAT (--float): must be a number, got "NaN"`},
		{"float", "1e999", `FLOAT (--float): must be a number from`},
		{"wait", "5", `WAIT (--wait): must be a duration such as 300ms, 5s or 1h30m, got "5"`},
		{"waits", "5s,x", `WAITS (--waits): [1]: must be a duration such as`},
		{"pair", "1", `PAIR (--pair): must have at least 2 items, got 1`},
		{"when", "tomorrow", `WHEN (--when): must be a date and time such as`},
		{"addr", "localhost", `ADDR (--addr): must be an IP address such as`},
		{"key", "?", `KEY (--key): must be base64 such as`},
		{"level", "middle", `LEVEL (--level): "middle" is not accepted: there is no level middle`},
		{"tags", "a,b,c,d", `TAGS (--tags): must have at most 3 items, got 4`},
		{"tags", "A", `TAGS (--tags): [0]: must match the pattern ^[a-z ]*$, got "A"`},
		{"numbers", "1,0", `NUMBERS (--numbers): [1]: must be at least 1, got 0`},
		{"site", "example.com", `SITE (--site): must be an absolute URI such as`},
		{"units", "stones", `UNITS (--units): must be one of "metric", "imperial", got "stones"`},
		{"name", "x", `NAME (--name): must have at least 2 characters, got 1`},
		{"text", "\xff", `TEXT (--text): must be UTF-8`},
		{"secret", "hunter2", `SECRET (or SECRET_FILE): must be text of at least 8 characters`},
		{"secret", "hunter2\xff", `SECRET (or SECRET_FILE): must be UTF-8`},
		{"signature", "hunter2!", `SIGNATURE (or SIGNATURE_FILE): must be base64 such as`},
		{"hidden", "hunter2!", `HIDDEN (or HIDDEN_FILE): must be text`},
		{"pin", "1234", `PIN (or PIN_FILE): must be an integer from -128 to 127`},
	} {
		_, err := read[every](t, nil, []string{strings.ToUpper(test.name) + "=" + test.text})
		if err == nil || !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "1234") {
			t.Errorf("%s = %q is refused with %q, want %q", test.name, test.text, err, test.want)
		}
	}
}

type order struct {
	Color string        `json:"color" default:"red"`
	Token string        `json:"token" sensitive:"true"`
	Tags  []string      `json:"tags" default:"[\"x\",\"y\"]"`
	Wait  time.Duration `json:"wait" default:"5s"`
	Bold  bool          `json:"bold" default:"false"`
}

// A flag wins over a variable, a variable or its file over the default.
func TestOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	defaults := order{Color: "red", Token: "t", Tags: []string{"x", "y"}, Wait: 5 * time.Second}
	with := func(change func(*order)) order {
		o := defaults
		change(&o)
		return o
	}
	for _, test := range []struct {
		name      string
		args, env []string
		want      order
	}{
		{"nothing but what is required", nil, []string{"TOKEN=t"}, defaults},
		{"a variable wins over the default", nil, []string{"TOKEN=t", "COLOR=blue"}, with(func(o *order) { o.Color = "blue" })},
		{"so does its file", nil, []string{"TOKEN=t", "COLOR_FILE=" + file("color", "blue\r\n")}, with(func(o *order) { o.Color = "blue" })},
		{"one newline at the end is removed", nil, []string{"TOKEN=t", "COLOR_FILE=" + file("lines", "\nblue\n\n")}, with(func(o *order) { o.Color = "\nblue\n" })},
		{"a flag wins over the variable", []string{"--color", "green"}, []string{"TOKEN=t", "COLOR=blue"}, with(func(o *order) { o.Color = "green" })},
		{"and over the file", []string{"--color=green"}, []string{"TOKEN=t", "COLOR_FILE=" + dir + "/missing"}, with(func(o *order) { o.Color = "green" })},
		{"the last flag wins", []string{"-color=a", "-color=b"}, []string{"TOKEN=t"}, with(func(o *order) { o.Color = "b" })},
		{"flags of a list add up", []string{"--tags", "a,b", "--tags=c"}, []string{"TOKEN=t", "TAGS=d"}, with(func(o *order) { o.Tags = []string{"a", "b", "c"} })},
		{"an empty flag of a list is an empty list", []string{"--tags="}, []string{"TOKEN=t"}, with(func(o *order) { o.Tags = []string{} })},
		{"an empty flag of a text is an empty text", []string{"--color="}, []string{"TOKEN=t"}, with(func(o *order) { o.Color = "" })},
		{"an empty variable is not set", nil, []string{"TOKEN=t", "COLOR=", "WAIT=", "COLOR_FILE="}, defaults},
		{"nor is a placeholder of a bundle", nil, []string{"TOKEN=t", "COLOR=${user_config.COLOR}"}, defaults},
		{"a boolean flag stands alone", []string{"-bold", "-color", "-x"}, []string{"TOKEN=t"}, with(func(o *order) { o.Bold, o.Color = true, "-x" })},
		{"two dashes end the flags", []string{"-bold", "--"}, []string{"TOKEN=t"}, with(func(o *order) { o.Bold = true })},
		{"a secret in a file", nil, []string{"TOKEN_FILE=" + file("token", "t\n")}, defaults},
	} {
		got, err := read[order](t, test.args, test.env)
		if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", test.name, err, diff)
		}
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	const secret = "hunter2-hunter2"
	long := filepath.Join(t.TempDir(), "long")
	if err := os.WriteFile(long, make([]byte, 1<<20+1), 0o600); err != nil {
		t.Fatal(err)
	}
	full := filepath.Join(t.TempDir(), "full")
	if err := os.WriteFile(full, append(make([]byte, 1<<20-1), '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := read[order](t, nil, []string{"TOKEN_FILE=" + full}); err != nil || len(got.Token) != 1<<20-1 {
		t.Errorf("a file of 1 MiB has %d bytes, %v", len(got.Token), err)
	}
	const flagged = "TOKEN (or TOKEN_FILE): is not given as a flag, because others can see the arguments of a program: set one of the two variables"
	for _, test := range []struct {
		name      string
		args, env []string
		want      []string
	}{
		{"a missing secret", nil, nil, []string{"TOKEN (or TOKEN_FILE): is missing: text"}},
		{"a secret as a flag", []string{"--token", secret}, []string{"TOKEN=t"}, []string{flagged}},
		{"with =", []string{"-token=" + secret}, nil, []string{flagged}},
		{"without a value", []string{"--token"}, nil, []string{flagged}},
		{"a secret behind a misspelt flag", []string{"--tokne", secret}, []string{"TOKEN=t"}, []string{
			"argument 1: there is no flag --tokne",
			"argument 2 is not a flag: a value is given as --name VALUE or --name=VALUE",
		}},
		{"a secret without a flag", []string{secret, "---" + secret, "-" + strings.ToUpper(secret), "-=" + secret}, []string{"TOKEN=t"}, []string{
			"argument 1 is not a flag: a value is given as --name VALUE or --name=VALUE",
			"argument 2 is not a flag: a value is given as --name VALUE or --name=VALUE",
			"argument 3 is not a flag: a value is given as --name VALUE or --name=VALUE",
			"argument 4 is not a flag: a value is given as --name VALUE or --name=VALUE",
		}},
		{"a flag without its value", []string{"--bold", "--color"}, []string{"TOKEN=t"}, []string{"COLOR (--color): the flag needs a value: text"}},
		{"both variables", nil, []string{"TOKEN=" + secret, "TOKEN_FILE=/x"}, []string{"TOKEN (or TOKEN_FILE): TOKEN and TOKEN_FILE are both set: leave one out"}},
		{"a secret where its file belongs", nil, []string{"TOKEN_FILE=/" + secret}, []string{"TOKEN (or TOKEN_FILE): TOKEN_FILE names a file that cannot be read: "}},
		{"a folder", nil, []string{"TOKEN_FILE=" + t.TempDir()}, []string{"TOKEN (or TOKEN_FILE): TOKEN_FILE names a file that cannot be read: "}},
		{"a long file", nil, []string{"TOKEN_FILE=" + long}, []string{"TOKEN (or TOKEN_FILE): TOKEN_FILE names a file that cannot be read: it has more than 1048576 bytes"}},
		{"an invalid value in a file", nil, []string{"TOKEN=t", "WAIT_FILE=" + full}, []string{`WAIT (--wait): the value in the file of WAIT_FILE must be a duration such as 300ms, 5s or 1h30m, got`}},
		{"everything at once", []string{"--wait=soon", "x"}, []string{"BOLD=perhaps"}, []string{
			"argument 2 is not a flag: a value is given as --name VALUE or --name=VALUE",
			"TOKEN (or TOKEN_FILE): is missing: text",
			`WAIT (--wait): must be a duration such as 300ms, 5s or 1h30m, got "soon"`,
			`BOLD (--bold): must be a boolean, got "perhaps"`,
		}},
	} {
		_, err := read[order](t, test.args, test.env)
		faults, ok := errors.AsType[*config.Error](err)
		if !ok || len(faults.Faults) != len(test.want) {
			t.Errorf("%s: the error is %v, want the faults %q", test.name, err, test.want)
			continue
		}
		for i, want := range test.want {
			if !strings.HasPrefix(faults.Faults[i], want) {
				t.Errorf("%s: a fault is %q, want %q", test.name, faults.Faults[i], want)
			}
		}
		if strings.Contains(strings.ToLower(err.Error()), secret) {
			t.Errorf("%s: the error shows the secret: %v", test.name, err)
		}
	}
}

func TestErrorHasALineForEachFault(t *testing.T) {
	t.Parallel()
	_, err := read[order](t, []string{"--wait=x"}, nil)
	want := `the settings have 2 faults (--help lists the settings):
  TOKEN (or TOKEN_FILE): is missing: text
  WAIT (--wait): must be a duration such as 300ms, 5s or 1h30m, got "x"`
	if err == nil || err.Error() != want {
		t.Errorf("the error is\n%v\nwant\n%s", err, want)
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	type settings struct {
		URL    string        `json:"database_url" sensitive:"true" format:"uri" jsonschema:"the PostgreSQL that keeps the messages"`
		Units  string        `json:"units" enum:"metric,imperial" default:"metric"`
		Pace   time.Duration `json:"pace" default:"5s"`
		Max    int           `json:"max,omitempty" minimum:"1" maximum:"7"`
		Ratio  float64       `json:"ratio,omitempty" exclusiveMinimum:"0" exclusiveMaximum:"1" multipleOf:"0.1"`
		Tags   []string      `json:"tags,omitempty" minItems:"1" maxLength:"9"`
		Code   string        `json:"code,omitempty" minLength:"4" maxLength:"4" pattern:"^[a-z]*$"`
		Data   string        `json:"data" format:"directory-path"`
		Rules  *string       `json:"rules" format:"file-path"`
		Host   *string       `json:"host" format:"hostname"`
		Public bool          `json:"public" default:"false" jsonschema:"whether everybody\nmay read"`
	}
	want := `FLAG      VARIABLE      VALUE
(secret)  DATABASE_URL  the PostgreSQL that keeps the messages: an absolute URI such as https://example.com/path; required
--units   UNITS         one of metric, imperial; by default metric
--pace    PACE          a duration such as 300ms, 5s or 1h30m; by default 5s
--max     MAX           an integer from 1 to 7
--ratio   RATIO         a number above 0 below 1 that is a multiple of 0.1
--tags    TAGS          a list of at least 1 items, separated by commas, of values that are each text of at most 9 characters
--code    CODE          text of 4 characters that matches ^[a-z]*$
--data    DATA          the path of a folder; required
--rules   RULES         the path of a file
--host    HOST          text in the format hostname
--public  PUBLIC        whether everybody may read: true or false; by default false

A flag wins over a variable. VARIABLE_FILE, instead of VARIABLE, names a file that holds the value.
`
	for _, flag := range []string{"-h", "--h", "-help", "--help", "--help=x"} {
		_, err := read[settings](t, []string{"stray", "--units", "--help", flag}, []string{"DATABASE_URL=hunter2"})
		help, ok := errors.AsType[*config.Help](err)
		if !ok {
			t.Fatalf("%s is answered with %v", flag, err)
		}
		if diff := cmp.Diff(want, help.Error()); diff != "" {
			t.Errorf("the help of %s (-want +got):\n%s", flag, diff)
		}
	}
}

func TestDeclarationAsJSON(t *testing.T) {
	t.Parallel()
	type settings struct {
		URL     string        `json:"database_url" sensitive:"true" format:"uri" jsonschema:"where messages are"`
		Timeout time.Duration `json:"timeout" default:"5s" jsonschema:"how long to wait"`
		Days    *int          `json:"days" minimum:"1" maximum:"7"`
		Data    string        `json:"data" format:"directory-path"`
	}
	d, err := config.Declare(reflect.TypeFor[settings]())
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.JSON()
	const want = `{"variables":[` +
		`{"name":"DATABASE_URL","required":true,"sensitive":true,"schema":{"type":"string","format":"uri","description":"where messages are","x-sensitive":true}},` +
		`{"name":"TIMEOUT","flag":"timeout","required":false,"sensitive":false,"schema":{"type":"string","format":"go-duration","description":"how long to wait","default":"5s"}},` +
		`{"name":"DAYS","flag":"days","required":false,"sensitive":false,"schema":{"type":"integer","minimum":1,"maximum":7}},` +
		`{"name":"DATA","flag":"data","required":true,"sensitive":false,"schema":{"type":"string","format":"directory-path"}}]}`
	if err != nil || string(got) != want {
		t.Errorf("the declaration is\n%s, %v\nwant\n%s", got, err, want)
	}
	d, err = config.Declare(reflect.TypeFor[struct{}]())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := d.JSON(); err != nil || string(got) != `{"variables":[]}` {
		t.Errorf("the declaration of nothing is %s, %v", got, err)
	}
}

func TestDeclareRefuses(t *testing.T) {
	t.Parallel()
	text := reflect.TypeFor[string]()
	fields := func(tags ...string) reflect.Type {
		var all []reflect.StructField
		for i, tag := range tags {
			all = append(all, reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: text, Tag: reflect.StructTag(tag)})
		}
		return reflect.StructOf(all)
	}
	of := func(typ reflect.Type, tag string) reflect.Type {
		return reflect.StructOf([]reflect.StructField{{Name: "F0", Type: typ, Tag: reflect.StructTag(tag)}})
	}
	const other = "has a meaning already: give the setting another name"
	for _, test := range []struct {
		typ  reflect.Type
		want string
	}{
		{text, "the settings are the fields of a struct, and string is none"},
		{fields(""), `field F0: "F0" is not the name of a setting: give it one of lower-case words, such as json:"database_url"`},
		{fields(`json:"databaseURL"`), `is not the name of a setting`},
		{fields(`json:"database-url"`), `is not the name of a setting`},
		{fields(`json:"a__b"`), `is not the name of a setting`},
		{fields(`json:"_a"`), `is not the name of a setting`},
		{fields(`json:"9a"`), `is not the name of a setting`},
		{fields(`json:"` + strings.Repeat("a", 65) + `"`), `is not the name of a setting`},
		{fields(`json:"port"`), "field F0: the variable PORT " + other},
		{fields(`json:"path"`), "field F0: the variable PATH " + other},
		{fields(`json:"mcpengine_keys"`), "field F0: the variable MCPENGINE_KEYS " + other},
		{fields(`json:"aws_region"`), "field F0: the variable AWS_REGION " + other},
		{fields(`json:"otel_service_name"`), "field F0: the variable OTEL_SERVICE_NAME " + other},
		{fields(`json:"help"`), "field F0: the flag --help shows the settings"},
		{fields(`json:"h"`), "field F0: the flag --h shows the settings"},
		{fields(`json:"a"`, `json:"a_file"`), "field F1: the variable A_FILE would name the file of one setting and be the value of another"},
		{fields(`json:"a_file"`, `json:"a"`), "field F1: the variable A_FILE would name the file of one setting and be the value of another"},
		{fields(`json:"a"`, `json:"a"`), `fields F0 and F1 are both named "a" in JSON`},
		{fields(`json:"a" sensitive:"true" default:"x"`), "field F0: a secret has no default"},
		{fields(`json:"a" sensitive:"true" enum:"x,y"`), "field F0: a secret is not one of a list"},
		{fields(`json:"a" format:"path"`), `field F0: tag format: "path" is not a format of JSON Schema`},
		{fields(`json:"a" minimum:"1"`), `field F0: tag minimum does not apply to type string`},
		{fields(`json:"a" header:"A"`), `field F0: tag header is for the input of a tool`},
		{of(reflect.TypeFor[[]string](), `json:"a" sensitive:"true" enum:"x,y"`), "field F0: a secret is not one of a list"},
		{of(reflect.TypeFor[time.Duration](), `json:"a" default:"5"`), "field F0: tag default: 5: must be a duration such as"},
		{of(reflect.TypeFor[int](), `json:"a,string"`), "field F0: the json option string is for JSON"},
		{of(reflect.TypeFor[struct{ A string }](), `json:"a"`), "field F0: type struct { A string } is not a string, a number, a boolean or a list of them: embed a struct to have its fields as settings"},
		{of(reflect.TypeFor[url.URL](), `json:"a"`), "field F0: type url.URL is not a string"},
		{of(reflect.TypeFor[map[string]string](), `json:"a"`), "field F0: type map[string]string is not a string"},
		{of(reflect.TypeFor[[][]string](), `json:"a"`), "field F0: type [][]string is not a string"},
		{of(reflect.TypeFor[any](), `json:"a"`), "field F0: type interface {} is not a string"},
		{of(reflect.TypeFor[json.RawMessage](), `json:"a"`), "field F0: type json.RawMessage is not a string"},
		{of(reflect.TypeFor[chan int](), `json:"a"`), "field F0: type chan int has no JSON form"},
		{reflect.TypeFor[tree](), "is not a string"},
	} {
		if _, err := config.Declare(test.typ); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Declare(%s) = %v, want %q", test.typ, err, test.want)
		}
	}
}

type tree struct {
	Children []tree `json:"children"`
}
