package registry

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/mcpengine/mcpengine/internal/manifest"
)

// Bundle returns the package of a bundle that is, or will be, an asset of the release
// of a tag in a repository on GitHub.
func Bundle(file, repository, tag string) (p manifest.Package, err error) {
	f, err := os.Open(file)
	if err != nil {
		return p, err
	}
	defer f.Close()
	sum, err := digest(f)
	if err != nil {
		return p, fmt.Errorf("%s: %w", file, err)
	}
	return manifest.Package{
		RegistryType: "mcpb",
		Identifier: strings.TrimSuffix(repository, "/") + "/releases/download/" + url.PathEscape(tag) + "/" +
			url.PathEscape(filepath.Base(file)),
		FileSHA256: sum,
		Transport:  manifest.Transport{Type: "stdio"},
	}, nil
}

// maxBundle bounds what is read of a bundle to compute its digest, in bytes.
const maxBundle = 1 << 30

var errTooLarge = fmt.Errorf("the bundle has more than %d MiB", maxBundle>>20)

// digest returns the SHA-256 in hexadecimal.
func digest(r io.Reader) (string, error) {
	sum := sha256.New()
	n, err := io.Copy(sum, io.LimitReader(r, maxBundle+1))
	if n > maxBundle {
		err = errors.Join(err, errTooLarge)
	}
	return hex.EncodeToString(sum.Sum(nil)), err
}
