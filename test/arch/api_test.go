package arch_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcpengine/mcpengine/test/arch"
)

// Whoever reads the documentation of these packages sees every field and can
// name every type.
func TestPublicNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"auth", "auth/idp", "auth/authtest", "mcp", "mcptest"} {
		broken, err := arch.HiddenNames(folder + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		report(t, broken)
	}
}

func TestHiddenNames(t *testing.T) {
	t.Parallel()
	got, err := arch.HiddenNames("testdata/api")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"api.Aliased names hidden.T",
		"api.Do names hidden.T",
		"api.Interface names hidden.T",
		"api.Method names hidden.T",
		"api.Struct names hidden.T",
		"api.Struct.Field names hidden.T",
		"api.Value names hidden.T",
		"api.alias names hidden.T",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("hidden names (-want +got):\n%s", diff)
	}
}
