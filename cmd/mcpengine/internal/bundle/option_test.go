package bundle

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What a program declares and what a host asks for.
func TestOptions(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, variable, want string }{
		{
			"a text that is required",
			`{"name":"BASE_URL","required":true,"schema":{"type":"string","description":"Where the API is."}}`,
			`{"type":"string","title":"Base URL","description":"Where the API is.","required":true}`,
		},
		{
			"a text that may be left empty arrives empty",
			`{"name":"REGION","schema":{"type":"string"}}`,
			`{"type":"string","title":"Region","description":"Sets REGION.","default":""}`,
		},
		{
			"a required value with a default need not be typed",
			`{"name":"REGION","required":true,"schema":{"type":"string","title":"The region","default":"eu"}}`,
			`{"type":"string","title":"The region","description":"Sets REGION.","default":"eu"}`,
		},
		{
			"a secret has no default in a public file",
			`{"name":"API_KEY","sensitive":true,"schema":{"type":"string","default":"s3cret"}}`,
			`{"type":"string","title":"API key","description":"Sets API_KEY.","default":"","sensitive":true}`,
		},
		{
			"a number with bounds",
			`{"name":"MAX_ROWS","schema":{"type":"integer","default":10,"minimum":0,"maximum":100}}`,
			`{"type":"number","title":"Max rows","description":"Sets MAX_ROWS.","default":10,"min":0,"max":100}`,
		},
		{
			"a number that may be left out",
			`{"name":"RATIO","schema":{"type":"number"}}`,
			`{"type":"number","title":"Ratio","description":"Sets RATIO."}`,
		},
		{
			"a box",
			`{"name":"VERBOSE","schema":{"type":"boolean"}}`,
			`{"type":"boolean","title":"Verbose","description":"Sets VERBOSE.","default":false}`,
		},
		{
			"a file",
			`{"name":"CA_FILE","schema":{"type":"string","format":"file-path"}}`,
			`{"type":"file","title":"CA file","description":"Sets CA_FILE.","default":""}`,
		},
		{
			"a folder",
			`{"name":"NOTES","required":true,"schema":{"type":"string","format":"directory-path"}}`,
			`{"type":"directory","title":"Notes","description":"Sets NOTES.","required":true}`,
		},
		{
			"a list",
			`{"name":"CITIES","schema":{"type":["null","array"],"items":{"type":"string"},"default":["Rome"]}}`,
			`{"type":"string","title":"Cities","description":"Sets CITIES. Several are separated by commas.","default":""}`,
		},
		{
			"a duration",
			`{"name":"TIMEOUT","schema":{"type":"string","format":"go-duration","default":"5s"}}`,
			`{"type":"string","title":"Timeout","description":"Sets TIMEOUT. Such as 300ms, 5s or 1h30m.","default":"5s"}`,
		},
		{
			"choices",
			`{"name":"UNIT","schema":{"type":"string","description":"for temperatures","enum":["C","F"],"default":"C"}}`,
			`{"type":"string","title":"Unit","description":"For temperatures. One of: C, F.","default":"C"}`,
		},
	} {
		d, err := parseDeclaration([]byte(`{"variables":[` + row.variable + `]}`))
		if err != nil {
			t.Fatal(err)
		}
		all, env, err := d.options()
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		name := d.Variables[0].Name
		if diff := cmp.Diff(`{"`+name+`":`+row.want+`}`, string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.name, diff)
		}
		if want := "${user_config." + name + "}"; len(env) != 1 || env[name] != want {
			t.Errorf("%s: the environment is %v", row.name, env)
		}
	}
}

// The form has the order of the program.
func TestOrder(t *testing.T) {
	t.Parallel()
	got, err := json.Marshal(options{{name: "Z"}, {name: "A"}})
	if err != nil || strings.Index(string(got), `"Z"`) > strings.Index(string(got), `"A"`) {
		t.Errorf("%s, %v", got, err)
	}
}

// What cannot be in a manifest is refused.
func TestDeclarationRefused(t *testing.T) {
	t.Parallel()
	many := strings.Repeat(`{"name":"A"},`, maxVariables) + `{"name":"B"}`
	for text, want := range map[string]string{
		`{"variables":[{"name":"A B"}]}`:            "whose name",
		`{"variables":[{"name":"A"},{"name":"A"}]}`: "twice",
		`{"variables":[` + many + `]}`:              "more than 200",
		`{`:                                         "read the declaration",
		strings.Repeat(" ", maxDeclaration+1):       "over 1048576 bytes",
		`{"variables":[{"name":"A","schema":{"type":"object"}}]}`:              `A is of the type "object"`,
		`{"variables":[{"name":"A","schema":{"type":"string","default":[]}}]}`: "default of variable A",
		`{"variables":[{"name":"A","schema":{}}]}`:                             `A is of the type ""`,
	} {
		d, err := parseDeclaration([]byte(text))
		if err == nil {
			_, _, err = d.options()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, want %q", text, err, want)
		}
	}
}

// A variable is missing when it is required and has no value and no default.
func TestMissing(t *testing.T) {
	t.Parallel()
	d, err := parseDeclaration([]byte(`{"variables":[{"name":"A","required":true},{"name":"B","required":true},` +
		`{"name":"C"},{"name":"D","required":true,"schema":{"default":1}},{"name":"E","required":true},{"name":"F","required":true}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"A", "E"}, d.missing([]string{"B=1", "A=", "EE=1", "F_FILE=f"})); diff != "" {
		t.Error(diff)
	}
}

// Whatever a program writes, the manifest has one option for each variable or there is
// an error.
func FuzzDeclaration(f *testing.F) {
	f.Add([]byte(`{"variables":[{"name":"A","required":true,"sensitive":true,"schema":{"type":"string","default":"x","enum":["a",1]}}]}`))
	f.Add([]byte(`{"variables":[{"name":"N","schema":{"type":"integer","minimum":1,"default":12345678901234567890}},{"name":"_","schema":{"type":"string"}}]}`))
	f.Add([]byte(`{"variables":[{"name":"A","schema":{"type":"string","default":[{}]}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := parseDeclaration(data)
		if err != nil {
			return
		}
		all, env, err := d.options()
		if err != nil {
			return
		}
		text, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		var back map[string]struct {
			Type, Title, Description string
			Default                  any
		}
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		if len(back) != len(d.Variables) || len(env) != len(back) {
			t.Errorf("%d variables, %d options, %d in the environment", len(d.Variables), len(back), len(env))
		}
		for name, one := range back {
			switch one.Default.(type) {
			case nil, string, float64, bool:
			default:
				t.Errorf("the default of %s is %v", name, one.Default)
			}
			if one.Type == "" || one.Title == "" || one.Description == "" {
				t.Errorf("%s is %+v", name, one)
			}
		}
	})
}
