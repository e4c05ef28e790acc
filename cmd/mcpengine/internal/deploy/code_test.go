package deploy_test

import (
	"archive/zip"
	"bytes"
	"io"
	"io/fs"
	"testing"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy"
)

func TestArchive(t *testing.T) {
	t.Parallel()
	first, err := deploy.NewCode("arm64", binary)
	if err != nil {
		t.Fatal(err)
	}
	second, err := deploy.NewCode("arm64", binary)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Zip, second.Zip) {
		t.Error("the same executable gave different bytes")
	}
	// A change here makes every user upload again what has not changed.
	if want := "0mwcD80vo9a8a9ZjJxe8qdS38L8uMrCsjv5cnMmOSqM="; first.SHA256() != want {
		t.Errorf("SHA256() = %s, want %s", first.SHA256(), want)
	}
	r, err := zip.NewReader(bytes.NewReader(first.Zip), int64(len(first.Zip)))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.File) != 1 || r.File[0].Name != "bootstrap" || r.File[0].Mode() != 0o755 {
		t.Fatalf("entries %+v, want one executable bootstrap", r.File)
	}
	entry, err := r.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	defer entry.Close()
	if got, err := io.ReadAll(entry); err != nil || !bytes.Equal(got, binary) {
		t.Errorf("bootstrap = %q, %v", got, err)
	}
}

// Files stand beside the executable, readable and not executable.
func TestArchiveWithFiles(t *testing.T) {
	t.Parallel()
	archive, err := deploy.NewCode("arm64", binary, deploy.File{Name: "ca.pem", Data: []byte("certificate")})
	if err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(archive.Zip), int64(len(archive.Zip)))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.File) != 2 || r.File[1].Name != "ca.pem" || r.File[1].Mode() != 0o644 {
		t.Fatalf("entries %+v, want bootstrap and ca.pem", r.File)
	}
	if got, err := fs.ReadFile(r, "ca.pem"); err != nil || string(got) != "certificate" {
		t.Errorf("ca.pem = %q, %v", got, err)
	}
}
