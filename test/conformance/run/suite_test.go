package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const list = `Required for 2026-07-28 (3 scenarios, frozen; run at the 2026-07-28 wire):

Server scenarios (test against a server):
  - tools-list
  - caching

Client scenarios (test against a client):
  - tools_call

Run and reported, but never scored:
  extension (2):
    - auth/dpop [client]
    - tasks-lifecycle [server]
  added-after-release (1):
    - echo [client]
  pending (1):
    - http-header-validation [server]
`

func TestParseList(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		leg  leg
		want []scenario
	}{
		{
			leg{side: "server", required: 2},
			[]scenario{
				{"tools-list", "required", true, ""},
				{"caching", "required", true, ""},
				{"http-header-validation", "pending", true, ""},
				{"tasks-lifecycle", "extension", false, ""},
			},
		},
		{
			leg{side: "client", required: 1},
			[]scenario{
				{"tools_call", "required", true, ""},
				{"echo", "added-after-release", true, ""},
				{"auth/dpop", "extension", false, ""},
			},
		},
	} {
		got, err := parseList(list, test.leg)
		if err != nil {
			t.Errorf("parseList(%s): %v", test.leg.side, err)
		}
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(scenario{})); diff != "" {
			t.Errorf("parseList(%s) (-want +got):\n%s", test.leg.side, diff)
		}
	}
}

// A list with another number of required scenarios is an error, not an empty
// run.
func TestParseListCounts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ list, want string }{
		{list, "2 server scenarios are required, want 37"},
		{"", "0 server scenarios are required, want 37"},
	} {
		if _, err := parseList(test.list, legs[0]); err == nil || err.Error() != test.want {
			t.Errorf("parseList = %v, want %q", err, test.want)
		}
	}
}
