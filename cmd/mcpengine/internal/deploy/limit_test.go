package deploy

import (
	"math/rand/v2"
	"testing"
)

// With smaller limits than Lambda's, for packing 50 MB takes its time.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	const size = 2 << 20
	noise := make([]byte, size) // which does not compress
	if _, err := rand.NewChaCha8([32]byte{}).Read(noise); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		most limit
		want string
	}{
		{"both fit", limit{size, 2 * size}, ""},
		{"the executable does not", limit{size - 1, 2 * size}, "the content is 2.0 MB, and Lambda takes 2.0 MB"},
		{"the zip file does not", limit{size, size / 2}, "the zip file is 2.0 MB, and Lambda takes 1.0 MB"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := pack("arm64", noise, test.most)
			if got := text(err); got != test.want {
				t.Errorf("pack: %q, want %q", got, test.want)
			}
			if (Hint(err) == "") != (test.want == "") {
				t.Errorf("hint %q", Hint(err))
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
