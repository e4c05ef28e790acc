package deploy

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"
)

// An Archive is a server as Lambda takes it: a zip file with the executable
// "bootstrap", and files beside it.
type Archive struct {
	Zip  []byte
	Arch string // GOARCH of the executable
}

// A File is put beside the executable: the program finds it in /var/task.
type File struct {
	Name string
	Data []byte
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

// NewArchive packs the executable and the files. The same content gives the same
// bytes: entries have a fixed time and mode. It fails when Lambda would not take
// them.
func NewArchive(arch string, binary []byte, files ...File) (Archive, error) {
	return pack(arch, binary, limit{binary: 250 << 20, zip: 50 << 20}, files...)
}

func pack(arch string, binary []byte, most limit, files ...File) (Archive, error) {
	size := len(binary)
	for _, f := range files {
		size += len(f.Data)
	}
	if size > most.binary {
		return Archive{}, tooLarge("content", size, most.binary)
	}
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	w.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(out, flate.BestCompression)
	})
	err := addEntry(w, bootstrap, 0o755, binary)
	for _, f := range files {
		err = errors.Join(err, addEntry(w, f.Name, 0o644, f.Data))
	}
	if err = errors.Join(err, w.Close()); err != nil {
		return Archive{}, fmt.Errorf("pack %s: %w", bootstrap, err)
	}
	if buf.Len() > most.zip {
		return Archive{}, tooLarge("zip file", buf.Len(), most.zip)
	}
	return Archive{Zip: buf.Bytes(), Arch: arch}, nil
}

// bootstrap is the name of the executable.
const bootstrap = "bootstrap"

func addEntry(w *zip.Writer, name string, mode fs.FileMode, data []byte) error {
	header := &zip.FileHeader{
		Name:     name,
		Method:   zip.Deflate,
		Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC), // the first that zip can tell
	}
	header.SetMode(mode)
	entry, err := w.CreateHeader(header)
	if err == nil {
		_, err = entry.Write(data)
	}
	return err
}

func tooLarge(what string, size, limit int) error {
	return withHint(fmt.Errorf("the %s is %s, and Lambda takes %s", what, megabytes(size), megabytes(limit)),
		"embed less, or deploy a container image")
}

func megabytes(size int) string { return fmt.Sprintf("%.1f MB", float64(size)/(1<<20)) }
