package mcpengine

import (
	"math/big"
	"reflect"
	"testing"
)

// encoding/json takes "CITY" for the field city. Another reader of the same
// message would not, so it is refused wherever a struct would get it.
func TestCheckNames(t *testing.T) {
	t.Parallel()
	type leaf struct {
		Kelvin int `json:"k"`
	}
	type tree struct {
		leaf
		City string           `json:"city"`
		Kids []tree           `json:"kids"`
		By   map[string]*tree `json:"by"`
		Two  [2]leaf
		Any  any `json:"any"`
		Own  big.Int
		Skip string `json:"-"`
	}
	const differs = ` differs from "city" by case`
	for _, test := range []struct{ name, value, want string }{
		{"exact names", ` {"city":"x","kids":[{"city":"y"}],"by":{"CITY":{"city":"z"}}} `, ""},
		{"other names", `{"town":1,"Skip":2,"_city":3}`, ""},
		{"at the root", `{"CITY":"x"}`, `name CITY` + differs},
		{"with an escape", `{"cit\u0059":"x"}`, `name citY` + differs},
		{"next to the exact name", `{"city":"x","City":"y"}`, `name City` + differs},
		{"in a list", `{"kids":[{},{"City":"x"}]}`, `name City` + differs},
		{"deep in a list", `{"kids":[{"kids":[{"kids":[{"CitY":1}]}]}]}`, `name CitY` + differs},
		{"in a map", `{"by":{"a":{"City":"x"}}}`, `name City` + differs},
		{"behind null", `{"by":{"a":null},"kids":null,"City":1}`, `name City` + differs},
		{"a field without a tag", `{"two":[]}`, `name two differs from "Two" by case`},
		{"in an array", `{"Two":[{"K":1}]}`, `name K differs from "k" by case`},
		{"of an embedded struct, by the Kelvin sign", `{"` + "\u212a" + `":1}`, "name \u212a" + ` differs from "k" by case`},
		{"what is decoded into any", `{"any":{"City":1}}`, ""},
		{"a type that decodes itself", `{"Own":{"City":1}}`, ""},
		{"an array where an object belongs", `[{"City":1}]`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if err := checkNames(reflect.TypeFor[*tree](), []byte(test.value)); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("CheckNames(%s) = %q, want %q", test.value, got, test.want)
			}
		})
	}
}
