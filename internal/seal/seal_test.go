package seal_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/mcpengine/mcpengine/internal/seal"
)

func Example() {
	ring := seal.RandomRing()
	token := ring.Seal("cursor", []byte("page 2"), []byte("alice"))

	plaintext, err := ring.Open("cursor", token, []byte("alice"))
	fmt.Printf("%s %v\n", plaintext, err)
	_, err = ring.Open("cursor", token, []byte("mallory"))
	fmt.Println(err)
	// Output:
	// page 2 <nil>
	// invalid token
}

// testKey returns a key that is different for every b.
func testKey(b byte) []byte { return bytes.Repeat([]byte{b}, seal.KeySize) }

func newRing(t testing.TB, keys ...[]byte) *seal.Ring {
	t.Helper()
	ring, err := seal.NewRing(keys...)
	if err != nil {
		t.Fatalf("NewRing: %v", err)
	}
	return ring
}

func wantInvalid(t *testing.T, what string, plaintext []byte, err error) {
	t.Helper()
	// The text has to be the same as well: a wrapped error would tell causes apart.
	if !errors.Is(err, seal.ErrInvalid) || err.Error() != seal.ErrInvalid.Error() {
		t.Errorf("Open of %s = %q, %v, want %v", what, plaintext, err, seal.ErrInvalid)
	}
	if plaintext != nil {
		t.Errorf("Open of %s returns %q next to its error", what, plaintext)
	}
}

func TestNewRingRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		keys [][]byte
		want string
	}{
		{"no key", nil, "make key ring: no key"},
		{"a nil key", [][]byte{nil}, "make key ring: key 1 has 0 bytes, not 32"},
		{"a short key", [][]byte{testKey(1)[1:]}, "make key ring: key 1 has 31 bytes, not 32"},
		{"a long key", [][]byte{testKey(1), append(testKey(2), 2)}, "make key ring: key 2 has 33 bytes, not 32"},
		{"a key twice", [][]byte{testKey(1), testKey(2), testKey(1)}, "make key ring: key 3 is given twice"},
	}
	for _, tt := range tests {
		if ring, err := seal.NewRing(tt.keys...); ring != nil || err == nil || err.Error() != tt.want {
			t.Errorf("NewRing with %s: %v, want %s", tt.name, err, tt.want)
		}
	}
}

func TestSealOpen(t *testing.T) {
	t.Parallel()
	sealing, opening := newRing(t, testKey(1)), newRing(t, testKey(1)) // two replicas
	for _, plaintext := range []string{"", "x", "a plaintext", strings.Repeat("x", 1000)} {
		for _, associated := range []string{"", "alice"} {
			token := sealing.Seal("cursor", []byte(plaintext), []byte(associated))
			if strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
				t.Errorf("token %q is not base64url", token)
			}
			got, err := opening.Open("cursor", token, []byte(associated))
			if err != nil || string(got) != plaintext {
				t.Errorf("Open of %q for %q = %q, %v", plaintext, associated, got, err)
			}
		}
	}
}

func TestPurposesKeepApart(t *testing.T) {
	t.Parallel()
	ring := newRing(t, testKey(1))
	state := ring.Seal("state", []byte("state"), nil)
	cursor := ring.Seal("cursor", []byte("cursor"), nil)

	opening := newRing(t, testKey(1)) // one that has not derived its keys yet
	for range 2 {
		if got, err := opening.Open("cursor", cursor, nil); err != nil || string(got) != "cursor" {
			t.Errorf("Open of the cursor = %q, %v", got, err)
		}
		if got, err := opening.Open("state", state, nil); err != nil || string(got) != "state" {
			t.Errorf("Open of the state = %q, %v", got, err)
		}
	}
}

func TestSealNeverRepeats(t *testing.T) {
	t.Parallel()
	ring := newRing(t, testKey(1))
	if a, b := ring.Seal("p", []byte("x"), nil), ring.Seal("p", []byte("x"), nil); a == b {
		t.Errorf("Seal returned %q twice", a)
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	before := newRing(t, testKey(1))
	during := newRing(t, testKey(2), testKey(1))
	after := newRing(t, testKey(2))
	old := before.Seal("p", []byte("x"), nil)
	young := during.Seal("p", []byte("x"), nil)

	for _, tt := range []struct {
		name  string
		ring  *seal.Ring
		token string
	}{
		{"an old token while both keys are there", during, old},
		{"a new token while both keys are there", during, young},
		{"a new token without the old key", after, young},
	} {
		if got, err := tt.ring.Open("p", tt.token, nil); err != nil || string(got) != "x" {
			t.Errorf("Open of %s = %q, %v", tt.name, got, err)
		}
	}
	got, err := after.Open("p", old, nil)
	wantInvalid(t, "an old token without its key", got, err)
	got, err = before.Open("p", young, nil)
	wantInvalid(t, "a new token without its key", got, err)
}

func TestRandomRingsDiffer(t *testing.T) {
	t.Parallel()
	got, err := seal.RandomRing().Open("p", seal.RandomRing().Seal("p", []byte("x"), nil), nil)
	wantInvalid(t, "another process's token", got, err)
}

func TestRingKeepsItsKeys(t *testing.T) {
	t.Parallel()
	key := testKey(1)
	ring := newRing(t, key)
	clear(key)
	if _, err := newRing(t, testKey(1)).Open("p", ring.Seal("p", nil, nil), nil); err != nil {
		t.Errorf("the ring uses a key that its caller has cleared: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	ring := newRing(t, testKey(1))
	token := ring.Seal("state", []byte("plaintext"), []byte("alice"))
	tests := []struct{ name, purpose, token, associated string }{
		{"another purpose", "cursor", token, "alice"},
		{"no purpose", "", token, "alice"},
		{"a purpose with something behind it", "state2", token, "alice"},
		{"other associated data", "state", token, "bob"},
		{"no associated data", "state", token, ""},
		{"purpose and data joined otherwise", "stat", token, "ealice"},
		{"an empty token", "state", "", "alice"},
		{"padding", "state", token + "=", "alice"},
		{"a line end behind", "state", token + "\n", "alice"},
		{"a line end inside", "state", token[:9] + "\r\n" + token[9:], "alice"},
		{"a space", "state", " " + token, "alice"},
		{"twice the token", "state", token + token, "alice"},
		{"one byte more", "state", token + "AA", "alice"},
		{"base64 of the other alphabet", "state", "+/" + token[2:], "alice"},
		{"something else", "state", "not a token!", "alice"},
	}
	for _, tt := range tests {
		got, err := ring.Open(tt.purpose, tt.token, []byte(tt.associated))
		wantInvalid(t, tt.name, got, err)
	}
}

func TestOpenRefusesEveryChange(t *testing.T) {
	t.Parallel()
	ring := newRing(t, testKey(1), testKey(2))
	token := ring.Seal("p", []byte("plaintext"), nil)

	for i := range len(token) {
		got, err := ring.Open("p", token[:i], nil)
		wantInvalid(t, fmt.Sprintf("the first %d characters", i), got, err)
	}

	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		for bit := range 8 {
			changed := bytes.Clone(raw)
			changed[i] ^= 1 << bit
			got, err := ring.Open("p", base64.RawURLEncoding.EncodeToString(changed), nil)
			wantInvalid(t, fmt.Sprintf("a token with bit %d of byte %d flipped", bit, i), got, err)
		}
	}

	// A key id of another key in the ring must not help either.
	other, err := base64.RawURLEncoding.DecodeString(newRing(t, testKey(2)).Seal("p", nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	changed := append(bytes.Clone(other[:5]), raw[5:]...)
	got, err := ring.Open("p", base64.RawURLEncoding.EncodeToString(changed), nil)
	wantInvalid(t, "a token with another key's id", got, err)
}

func TestTokenHasOneSpelling(t *testing.T) {
	t.Parallel()
	ring := newRing(t, testKey(1))
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for n := range 3 { // every number of unused bits in the last character
		token := ring.Seal("p", make([]byte, n), nil)
		opened := 0
		for _, last := range alphabet {
			if _, err := ring.Open("p", token[:len(token)-1]+string(last), nil); err == nil {
				opened++
			}
		}
		if opened != 1 {
			t.Errorf("%d spellings of a token of %d bytes open, want 1", opened, n)
		}
	}
}

func TestLength(t *testing.T) {
	t.Parallel()
	ring := newRing(t, testKey(1))
	longest := ring.Seal("p", make([]byte, seal.MaxPlaintext), nil)
	if len(longest) > seal.MaxToken {
		t.Errorf("MaxPlaintext makes a token of %d bytes, want at most %d", len(longest), seal.MaxToken)
	}
	if _, err := ring.Open("p", longest, nil); err != nil {
		t.Errorf("Open of the longest token: %v", err)
	}
	tooLong := ring.Seal("p", make([]byte, seal.MaxPlaintext+1), nil)
	got, err := ring.Open("p", tooLong, nil)
	wantInvalid(t, "a longer token", got, err)
}

func TestRingDoesNotPrintItsKeys(t *testing.T) {
	t.Parallel()
	ring := newRing(t, testKey('k'))
	ring.Seal("p", nil, nil)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		if got := fmt.Sprintf(verb, ring); got != "seal.Ring" {
			t.Errorf("%s prints %q", verb, got)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	ring := newRing(t, testKey(1), testKey(2))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			purpose := fmt.Sprint(i % 2)
			if _, err := ring.Open(purpose, ring.Seal(purpose, nil, nil), nil); err != nil {
				t.Errorf("Open: %v", err)
			}
		})
	}
	wg.Wait()
}

// The same keys in two servers are different keys.
func TestServers(t *testing.T) {
	t.Parallel()
	keys := newRing(t, testKey(1))
	for _, one := range []string{"", "production", "purpose: b", "\x00server: "} {
		token := keys.For(one).Seal("a", []byte("x"), nil)
		for _, other := range []string{"", "production", "Production", "production ", "purpose: b", "\x00server: "} {
			got, err := newRing(t, testKey(2), testKey(1)).For(other).Open("a", token, nil)
			if one != other {
				wantInvalid(t, fmt.Sprintf("a token of %q in %q", one, other), got, err)
			} else if err != nil {
				t.Errorf("Open in a replica of %q: %v", one, err)
			}
		}
	}
}

// A late ring takes keys until it needs one.
func TestLateRing(t *testing.T) {
	t.Parallel()
	random := 0
	ring := seal.LateRing(func() { random++ })
	bound := ring.For("server")
	if err := ring.Use(testKey(1)[1:]); err == nil {
		t.Error("a short key was taken")
	}
	if err := bound.Use(testKey(1)); err != nil {
		t.Fatal(err)
	}
	if _, err := newRing(t, testKey(1)).For("server").Open("a", bound.Seal("a", nil, nil), nil); err != nil || random != 0 {
		t.Errorf("Open: %v, %d random keys", err, random)
	}
	ring = seal.LateRing(func() { random++ })
	token := ring.Seal("a", nil, nil)
	if _, err := ring.Open("a", token, nil); err != nil || random != 1 {
		t.Errorf("Open: %v, %d random keys", err, random)
	}
	if err := ring.Use(testKey(1)); err == nil {
		t.Error("a ring in use took other keys")
	}
}

// token1 is a token of version 1 for "server" from testKey(1) with a nonce of 0 to 11, made
// with another implementation of HKDF and AES-GCM. A release that cannot open
// it breaks the tokens that clients hold.
const token1 = "AX0FHXcAAQIDBAUGBwgJCgu6nHaBd2H_UGeCYbGQIff0qPCndPg99WzA"

func TestFormat(t *testing.T) {
	t.Parallel()
	got, err := newRing(t, testKey(1)).For("server").Open("purpose", token1, []byte("associated"))
	if err != nil || string(got) != "plaintext" {
		t.Errorf("Open = %q, %v, want plaintext", got, err)
	}
}

// FuzzOpen looks for a token that opens and is not the one it knows.
func FuzzOpen(f *testing.F) {
	ring := newRing(f, testKey(1), testKey(2)).For("server")
	f.Add(token1)
	f.Add("")
	f.Add("AQ")
	f.Add(strings.Repeat("A", seal.MaxToken+1))
	f.Fuzz(func(t *testing.T, token string) {
		got, err := ring.Open("purpose", token, []byte("associated"))
		if token != token1 {
			wantInvalid(t, "a forged token", got, err)
		} else if err != nil {
			t.Errorf("Open of the real token: %v", err)
		}
	})
}

func FuzzSealOpen(f *testing.F) {
	ring := newRing(f, testKey(1))
	f.Add("purpose", []byte("plaintext"), []byte("associated"))
	f.Fuzz(func(t *testing.T, purpose string, plaintext, associated []byte) {
		got, err := ring.Open(purpose, ring.Seal(purpose, plaintext, associated), associated)
		if err != nil || !bytes.Equal(got, plaintext) {
			t.Errorf("Open of %q = %q, %v", plaintext, got, err)
		}
	})
}

// A derived secret follows the key, the purpose and the server, in the order of the
// keys, and is not the key of a sealed value.
func TestDerive(t *testing.T) {
	t.Parallel()
	ring := func(keys ...[]byte) *seal.Ring {
		r, err := seal.NewRing(keys...)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	one, two := testKey(1), testKey(2)
	base := ring(one, two).For("a").Derive("p")
	if len(base) != 2 || len(base[0]) != seal.KeySize || bytes.Equal(base[0], base[1]) || bytes.Equal(base[0], one) {
		t.Fatalf("%d secrets", len(base))
	}
	if again := ring(two, one).For("a").Derive("p"); !bytes.Equal(again[1], base[0]) || !bytes.Equal(again[0], base[1]) {
		t.Error("a secret depends on the place of its key")
	}
	for what, other := range map[string][][]byte{"purpose": ring(one).For("a").Derive("q"), "server": ring(one).For("b").Derive("p")} {
		if bytes.Equal(other[0], base[0]) {
			t.Errorf("another %s has the same secret", what)
		}
	}
}
