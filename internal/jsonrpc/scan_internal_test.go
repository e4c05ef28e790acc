package jsonrpc

import (
	"math/rand/v2"
	"testing"
)

// plainPrefix finds the same end as a look at one byte after another, wherever in
// a word that end stands and whatever follows it.
func TestPlainPrefix(t *testing.T) {
	t.Parallel()
	slow := func(text []byte) (n int) {
		for n < len(text) && text[n] >= 0x20 && text[n] < 0x80 && text[n] != '"' && text[n] != '\\' {
			n++
		}
		return n
	}
	check := func(text []byte) {
		t.Helper()
		if got, want := plainPrefix(text), slow(text); got != want {
			t.Fatalf("plainPrefix(%q) = %d, want %d", text, got, want)
		}
	}
	for c := range 256 {
		for length := range 20 {
			for at := range length {
				text := make([]byte, length)
				for i := range text {
					text[i] = 'a'
				}
				text[at] = byte(c)
				check(text)
			}
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	near := []byte{0, 0x1f, 0x20, 0x21, '"', '#', '[', '\\', ']', 0x7e, 0x7f, 0x80, 0xa2, 0xdc, 0xff}
	for range 20_000 {
		text := make([]byte, random.IntN(25))
		for i := range text {
			text[i] = near[random.IntN(len(near))]
		}
		check(text)
	}
}
