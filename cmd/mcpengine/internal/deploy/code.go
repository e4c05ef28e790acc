package deploy

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"
)

// Code is a server as Lambda takes it: a zip file with the executable "bootstrap",
// and files beside it, or a container image.
type Code struct {
	Zip  []byte
	Arch string // GOARCH of the executable

	// Image is the URI of an image in Amazon ECR, used in place of Zip.
	Image string

	// Push sends the image to ECR and returns its URI with the digest. Without
	// Push, Image has the digest already.
	Push func(context.Context) (string, error)
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
func (c Code) SHA256() string {
	sum := sha256.Sum256(c.Zip)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// digest tells the code from other code: the digest of a zip file, or the URI of an
// image.
func (c Code) digest() string {
	if c.Image != "" {
		return c.Image
	}
	return c.SHA256()
}

// describe describes the code in a plan.
func (c Code) describe() string {
	if c.Image != "" {
		return "image " + c.Image
	}
	return megabytes(len(c.Zip)) + " zip"
}

// NewCode packs the executable and the files. The same content gives the same
// bytes: entries have a fixed time and mode. It fails when Lambda would not take
// them.
func NewCode(arch string, binary []byte, files ...File) (Code, error) {
	return pack(arch, binary, limit{binary: 250 << 20, zip: 50 << 20}, files...)
}

func pack(arch string, binary []byte, most limit, files ...File) (Code, error) {
	size := len(binary)
	for _, f := range files {
		size += len(f.Data)
	}
	if size > most.binary {
		return Code{}, tooLarge("content", size, most.binary)
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
		return Code{}, fmt.Errorf("pack %s: %w", bootstrap, err)
	}
	if buf.Len() > most.zip {
		return Code{}, tooLarge("zip file", buf.Len(), most.zip)
	}
	return Code{Zip: buf.Bytes(), Arch: arch}, nil
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
