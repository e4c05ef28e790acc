package main

import "testing"

// What the schema of an argument says, in words.
func TestDescribeValue(t *testing.T) {
	t.Parallel()
	for schema, want := range map[string]string{
		`{"type":"string"}`:                                  "",
		`{"description":"name of the city"}`:                 "name of the city",
		`{"description":"d","enum":["a","b"],"default":"a"}`: `d; one of "a", "b"; default "a"`,
		`{"type":"integer","minimum":1,"maximum":7}`:         "1 to 7",
		`{"minimum":1.5}`:                                    "at least 1.5",
		`{"maximum":-1,"default":null}`:                      "at most -1; default null",
		`{"format":"date-time"}`:                             "format date-time",
		`true`:                                               "",
		`{"description":7}`:                                  "",
	} {
		if got := describeValue([]byte(schema)); got != want {
			t.Errorf("describeValue(%s) = %q, want %q", schema, got, want)
		}
	}
}
