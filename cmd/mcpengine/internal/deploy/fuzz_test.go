package deploy

import (
	"strings"
	"testing"
	"unicode"
)

// Whatever a server answers, the result is fit for a terminal.
func FuzzParseDiscovery(f *testing.F) {
	f.Add([]byte(`{"jsonrpc":"2.0","id":1,"result":{"supportedVersions":["2026-07-28"],"capabilities":{},` +
		`"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"weather","version":"1.0"}}}}`))
	f.Add([]byte(`{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"method\u001b[2J not found"}}`))
	f.Add([]byte(`{"result":{"supportedVersions":["\u202e"],"_meta":{"io.modelcontextprotocol/serverInfo":7}}}`))
	f.Add([]byte("<html>"))
	f.Fuzz(func(t *testing.T, body []byte) {
		found, err := parseDiscovery(body)
		if err == nil && len(found.Versions) == 0 {
			t.Error("a discovery without a version")
		}
		text := found.Server + strings.Join(found.Versions, "")
		if err != nil {
			text = err.Error()
		}
		if i := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("%q is not printable", text)
		}
	})
}
