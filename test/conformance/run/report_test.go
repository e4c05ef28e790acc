package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReport(t *testing.T) {
	t.Parallel()
	pass := check{ID: "shape", Status: success}
	fail := check{ID: "order", Status: failure, ErrorMessage: "expected 2, got 1"}
	for _, test := range []struct {
		name    string
		results []result
		ok      bool
		want    string
	}{
		{
			"all pass",
			[]result{
				{scenario{"tools-list", required, true, ""}, []check{pass, pass, {ID: "note", Status: "INFO"}}},
				{scenario{"headers", "pending", true, ""}, []check{pass}},
			},
			true,
			`scenario    set       passed  failed  warnings
tools-list  required  2       0       0
headers     pending   1       0       0

1/1 required, 1/1 pending
`,
		},
		{
			"a required scenario fails",
			[]result{
				{scenario{"tools-list", required, true, ""}, []check{pass, fail}},
				{scenario{"caching", required, true, ""}, []check{pass}},
			},
			false,
			`scenario    set       passed  failed  warnings
tools-list  required  1       1       0
caching     required  1       0       0

FAILURE tools-list: order
  expected 2, got 1

1/2 required
`,
		},
		{
			"a pending scenario fails",
			[]result{{scenario{"headers", "pending", true, ""}, []check{fail}}},
			false,
			`scenario  set      passed  failed  warnings
headers   pending  0       1       0

FAILURE headers: order
  expected 2, got 1

0/1 pending
`,
		},
		{
			"an extension fails",
			[]result{{scenario{"tasks", extension, false, ""}, []check{fail}}},
			true,
			`scenario  set        passed  failed  warnings
tasks     extension  0       1       0

0/1 extension
`,
		},
		{
			"a check warns",
			[]result{{scenario{"caching", required, true, ""}, []check{pass, {ID: "ttl", Status: warning, Description: "ttl is short"}}}},
			true,
			`scenario  set       passed  failed  warnings
caching   required  1       0       1

WARNING caching: ttl
  ttl is short

1/1 required
`,
		},
		{
			"nothing was checked",
			[]result{{scenario{"caching", required, true, ""}, []check{{ID: "ttl", Status: "SKIPPED"}}}},
			false,
			`scenario  set       passed  failed  warnings
caching   required  0       0       0

FAILURE caching
  nothing was checked

0/1 required
`,
		},
		{
			"an excluded scenario fails, and another passes",
			[]result{
				{scenario{"progress", required, false, "it is buffered"}, []check{fail}},
				{scenario{"caching", required, false, "it is no more"}, []check{pass}},
			},
			false,
			`scenario  set       passed  failed  warnings
progress  required  0       1       0
caching   required  1       0       0

EXCLUDED progress
  it is buffered

FAILURE caching
  passes, so it need not be excluded: it is no more

1/2 required
`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got strings.Builder
			if ok := report(&got, test.results); ok != test.ok {
				t.Errorf("report = %v, want %v", ok, test.ok)
			}
			if diff := cmp.Diff(test.want, got.String()); diff != "" {
				t.Errorf("report printed (-want +got):\n%s", diff)
			}
		})
	}
}

// An exclusion names a scenario that exists.
func TestExclude(t *testing.T) {
	t.Parallel()
	buffered, err := choosePlaces(onBuffered)
	if err != nil {
		t.Fatal(err)
	}
	all := []scenario{{"caching", required, true, ""}, {"tools-call-with-progress", required, true, ""}}
	if err := exclude(all, "2026-07-28", buffered[0]); err != nil {
		t.Error(err)
	}
	want := []scenario{{"caching", required, true, ""}, {"tools-call-with-progress", required, false, noEvents}}
	if diff := cmp.Diff(want, all, cmp.AllowUnexported(scenario{})); diff != "" {
		t.Errorf("exclude (-want +got):\n%s", diff)
	}
	if err := exclude(all[:1], "2026-07-28", buffered[0]); err == nil {
		t.Error("exclude without the scenario = nil error")
	}
}

// docs/limits.md names every exclusion.
func TestLimitsNameTheExclusions(t *testing.T) {
	t.Parallel()
	limits, err := os.ReadFile("../../../docs/limits.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range exclusions() {
		if !strings.Contains(string(limits), "`"+e.scenario+"`") {
			t.Errorf("docs/limits.md does not name %s, which is excluded on %v", e.scenario, e.places)
		}
	}
}

// The results of a scenario come from its last run, and not from a scenario
// whose name begins with the same words. A scenario without results has failed.
func TestReadResults(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for folder, checks := range map[string]string{
		"server-tools-2026-11-22T18-39-00-001Z":      `[{"id":"old","status":"FAILURE"}]`,
		"server-tools-2026-11-22T18-40-00-001Z":      `[{"id":"new","status":"SUCCESS","details":{}}]`,
		"server-tools-list-2026-11-22T18-41-00-001Z": `[{"id":"other","status":"FAILURE"}]`,
	} {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, folder, "checks.json"), []byte(checks), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	scenarios := []scenario{{name: "tools"}, {name: "prompts"}}
	results, err := readResults(dir, leg{side: "server"}, scenarios)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]check{{ID: "new", Status: success}}, results[0].checks); diff != "" {
		t.Errorf("the checks of tools (-want +got):\n%s", diff)
	}
	if results[1].passed() {
		t.Errorf("the checks of prompts = %+v, want a failure", results[1].checks)
	}
}
