package infer_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"regexp"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/infer"
	"github.com/mcpengine/mcpengine/internal/schema"
)

// The schemas of types of the standard library accept what encoding/json writes
// for a value, and refuse what it cannot read.
func TestStandardTypes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		value  any
		schema string // of an input
		bad    string // JSON that encoding/json cannot decode into the type
	}{
		{time.Date(2026, 1, 31, 15, 4, 5, 6, time.FixedZone("", 3600)), `{"type":"string","format":"date-time"}`, `"2026-01-31"`},
		{time.March, `{"type":"integer"}`, `"March"`},
		{time.Second, `{"type":"integer","description":"a duration in nanoseconds"}`, `"1s"`},
		{netip.MustParseAddr("fe80::1%eth0"), `{"type":"string"}`, `"1.2.3"`},
		{netip.MustParseAddrPort("1.2.3.4:80"), `{"type":"string"}`, `"1.2.3.4"`},
		{netip.MustParsePrefix("10.0.0.0/8"), `{"type":"string"}`, `"10.0.0.0"`},
		{net.IPv4(1, 2, 3, 4), `{"type":"string"}`, `"1.2.3"`},
		{json.RawMessage(`{"a":[1,null]}`), `{}`, ``},
		{json.Number("12345678901234567890.5"), `{"type":"number"}`, `true`},
		{big.NewInt(-7), `{"type":"integer"}`, `"seven"`},
		{big.NewRat(3, 4), `{"type":"string"}`, `0.75`},
		{big.NewFloat(1.5), `{"type":"string"}`, `[]`},
		{regexp.MustCompile("^a+$"), `{"type":"string"}`, `1`},
		{slog.LevelWarn, `{}`, ``},
		{sql.Null[int]{V: 1, Valid: true}, closed(`"V":{"type":"integer"},"Valid":{"type":"boolean"}`, `"V","Valid"`), `1`},
		{url.Values{"a": {"b", "c"}}, `{"type":"object","additionalProperties":{"type":"array","items":{"type":"string"}}}`, `{"a":"b"}`},
		// It has no text methods, so encoding/json takes its fields.
		{url.URL{Scheme: "https", User: url.User("ada"), Host: "example.com"}, closed(`"Scheme":{"type":"string"},"Opaque":{"type":"string"},"User":`+`{"type":"object","additionalProperties":false}`+
			`,"Host":{"type":"string"},"Path":{"type":"string"},"Fragment":{"type":"string"},"RawQuery":{"type":"string"},"RawPath":{"type":"string"},`+
			`"RawFragment":{"type":"string"},"ForceQuery":{"type":"boolean"},"OmitHost":{"type":"boolean"}`,
			`"Scheme","Opaque","Host","Path","Fragment","RawQuery","RawPath","RawFragment","ForceQuery","OmitHost"`), `"https://example.com"`},
	} {
		t.Run(fmt.Sprintf("%T", test.value), func(t *testing.T) {
			t.Parallel()
			checkSchema(t, infer.Input, test.value, test.schema)
			typ := reflect.TypeOf(test.value)
			text, err := json.Marshal(test.value)
			if err != nil {
				t.Fatal(err)
			}
			for name, of := range map[string]func(reflect.Type) (*schema.Schema, error){"Input": infer.Input, "Output": infer.Output} {
				s, err := of(typ)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if err := s.Validate(t.Context(), text); err != nil {
					t.Errorf("%s: %s is refused: %v", name, text, err)
				}
				if name == "Output" || test.bad == "" {
					continue
				}
				if err := s.Validate(t.Context(), []byte(test.bad)); err == nil {
					t.Errorf("%s: %s is accepted", name, test.bad)
				}
			}
		})
	}
}
