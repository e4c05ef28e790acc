package seal_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/seal"
)

func TestParseKeys(t *testing.T) {
	t.Parallel()
	one, two := bytes.Repeat([]byte{0xfb}, 32), testKey(2)
	standard, url := base64.StdEncoding.EncodeToString(one), base64.RawURLEncoding.EncodeToString(one)
	second := hex.EncodeToString(two)
	file := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(file, []byte(standard+"\n"+second+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		standard + "," + second, url + " " + second, standard + "\n" + strings.ToUpper(second) + "\n", " " + url + " ,\t" + second,
		base64.URLEncoding.EncodeToString(one) + "," + base64.RawStdEncoding.EncodeToString(two), "@" + file, " @" + file + "\n",
	} {
		keys, err := seal.ParseKeys(text)
		if err != nil || len(keys) != 2 || !bytes.Equal(keys[0], one) || !bytes.Equal(keys[1], two) {
			t.Errorf("ParseKeys(%q) = %x, %v", text, keys, err)
		}
	}
	big := filepath.Join(t.TempDir(), "big")
	if err := os.WriteFile(big, bytes.Repeat([]byte("A"), 65<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"":                           "no key",
		" ,\n":                       "no key",
		"hunter2":                    "key 1 is not 32 bytes",
		standard + ",hunter2":        "key 2 is not 32 bytes",
		standard[:40]:                "key 1 is not 32 bytes",
		second + "00":                "key 1 is not 32 bytes",
		standard + standard:          "key 1 is not 32 bytes",
		standard + "," + url + "==x": "key 2 is not 32 bytes",
		file:                         "write @ before the path",
		"@" + file + "-hunter2":      "no such file",
		"@":                          "no such file",
		"@" + filepath.Dir(file):     "directory",
		"@" + big:                    "more than 65536 bytes",
	} {
		keys, err := seal.ParseKeys(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseKeys(%q) = %x, %v, want an error with %q", text, keys, err, want)
		}
		for word := range strings.FieldsFuncSeq(text, func(c rune) bool { return c == ',' || c == '@' || c == ' ' }) {
			if err != nil && len(word) > 4 && strings.Contains(err.Error(), word) {
				t.Errorf("ParseKeys(%q): the error quotes it: %v", text, err)
			}
		}
	}
}

func FuzzParseKeys(f *testing.F) {
	f.Add(base64.StdEncoding.EncodeToString(testKey(1)) + "," + hex.EncodeToString(testKey(2)))
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "@") {
			t.Skip()
		}
		keys, err := seal.ParseKeys(text)
		if (err == nil) == (len(keys) == 0) {
			t.Errorf("ParseKeys(%q) = %x, %v", text, keys, err)
		}
		for _, key := range keys {
			if len(key) != seal.KeySize {
				t.Errorf("ParseKeys(%q) has a key of %d bytes", text, len(key))
			}
		}
	})
}
