package deploy

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/archive"
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
	entries := []archive.File{{Name: bootstrap, Mode: 0o755, Data: binary}}
	for _, f := range files {
		entries = append(entries, archive.File{Name: f.Name, Mode: 0o644, Data: f.Data})
	}
	packed, err := archive.Zip(entries...)
	if err != nil {
		return Code{}, err
	}
	if len(packed) > most.zip {
		return Code{}, tooLarge("zip file", len(packed), most.zip)
	}
	return Code{Zip: packed, Arch: arch}, nil
}

// bootstrap is the name of the executable.
const bootstrap = "bootstrap"

func tooLarge(what string, size, limit int) error {
	return withHint(fmt.Errorf("the %s is %s, and Lambda takes %s", what, megabytes(size), megabytes(limit)),
		"embed less, or deploy a container image")
}

func megabytes(size int) string { return fmt.Sprintf("%.1f MB", float64(size)/(1<<20)) }
