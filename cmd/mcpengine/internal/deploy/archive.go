package deploy

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"time"
)

// An Archive is a server as Lambda takes it: a zip file whose one entry is the
// executable "bootstrap".
type Archive struct {
	Zip  []byte
	Arch string // GOARCH of the executable
}

// A limit is how many bytes Lambda takes: of an executable, and of a zip file
// that is sent with the request.
type limit struct{ binary, zip int }

// SHA256 is the digest of the zip file in the form that Lambda reports as
// CodeSha256.
func (a Archive) SHA256() string {
	sum := sha256.Sum256(a.Zip)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// NewArchive packs the executable. The same executable gives the same bytes:
// the entry has a fixed time and mode. It fails when Lambda would not take the
// executable.
func NewArchive(arch string, binary []byte) (Archive, error) {
	return pack(arch, binary, limit{binary: 250 << 20, zip: 50 << 20})
}

func pack(arch string, binary []byte, most limit) (Archive, error) {
	if len(binary) > most.binary {
		return Archive{}, tooLarge("executable", len(binary), most.binary)
	}
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	w.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(out, flate.BestCompression)
	})
	header := &zip.FileHeader{
		Name:     "bootstrap",
		Method:   zip.Deflate,
		Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC), // the first that zip can tell
	}
	header.SetMode(0o755)
	entry, err := w.CreateHeader(header)
	if err == nil {
		_, err = entry.Write(binary)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return Archive{}, fmt.Errorf("pack bootstrap: %w", err)
	}
	if buf.Len() > most.zip {
		return Archive{}, tooLarge("zip file", buf.Len(), most.zip)
	}
	return Archive{Zip: buf.Bytes(), Arch: arch}, nil
}

func tooLarge(what string, size, limit int) error {
	return withHint(fmt.Errorf("the %s is %s, and Lambda takes %s", what, megabytes(size), megabytes(limit)),
		"embed less, or deploy a container image")
}

func megabytes(size int) string { return fmt.Sprintf("%.1f MB", float64(size)/(1<<20)) }
