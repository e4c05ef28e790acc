package arch_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/test/arch"
)

// Readers of the documentation see every field of every public type and can name
// every type.
func TestPublicNames(t *testing.T) {
	t.Parallel()
	api, err := arch.LoadAPI(t.Context(), folder, "./...")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{root, root + "/auth", root + "/auth/idp", root + "/auth/broker", root + "/auth/upstream", root + "/client", root + "/mcp", root + "/mcptest"} {
		if !slices.Contains(api.Public, path) {
			t.Errorf("%s is not among the public packages %q", path, api.Public)
		}
	}
	for _, path := range api.Public {
		broken, err := api.HiddenNames(path)
		if err != nil {
			t.Fatal(err)
		}
		report(t, broken)
	}
}

func TestHiddenNames(t *testing.T) {
	t.Parallel()
	const path = root + "/test/arch/testdata/api"
	api, err := arch.LoadAPI(t.Context(), ".", path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := api.HiddenNames(path)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"api.Aliased names hidden.T",
		"api.Constraint names hidden.T",
		"api.Do names hidden.T",
		"api.Err names hidden.T",
		"api.Generic names hidden.T",
		"api.Indirect names hidden.T",
		"api.Interface.Do names hidden.T",
		"api.Mode names hidden.Mode",
		"api.Struct.Field names hidden.T",
		"api.Struct.Method names hidden.T",
		"api.Struct.T names hidden.T",
		"api.Value names hidden.T",
		"api.alias names hidden.T",
		"api.returned.Field names hidden.T",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("hidden names (-want +got):\n%s", diff)
	}
}
