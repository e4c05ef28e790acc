package private_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/private"
)

func TestReadWrite(t *testing.T) {
	t.Parallel()
	home := filepath.Join(t.TempDir(), "home")
	if _, err := private.Read(home, "a/b", 10); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Read without a folder: %v", err)
	}
	for _, text := range []string{"first", "second"} {
		if err := private.Write(home, "a/b", []byte(text)); err != nil {
			t.Fatal(err)
		}
		if data, err := private.Read(home, "a/b", 10); string(data) != text || err != nil {
			t.Errorf("Read = %q, %v, want %q", data, err, text)
		}
	}
	if _, err := private.Read(home, "a/b", 3); err == nil {
		t.Error("a file over the limit is read")
	}
	f, err := private.Append(home, "log")
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if names, err := filepath.Glob(filepath.Join(home, "a", ".*")); len(names) > 0 || err != nil {
		t.Errorf("%q stay behind, %v", names, err)
	}
}

// Nothing that somebody else may have changed is read or written, and the error
// says how to mend it.
func TestRefused(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows keeps permissions elsewhere")
	}
	tests := []struct {
		name    string
		spoil   func(home, outside string) error
		problem string
		mend    string // before the name
	}{
		{"the file is writable by all", func(home, _ string) error { return os.Chmod(home+"/a/b", 0o666) }, "mode 0666", "chmod go-w "},
		{"the file is writable by its group", func(home, _ string) error { return os.Chmod(home+"/a/b", 0o620) }, "mode 0620", "chmod go-w "},
		{"the folder is writable by all", func(home, _ string) error { return os.Chmod(home+"/a", 0o777) }, "mode 0777", "chmod go-w "},
		{"the home is writable by its group", func(home, _ string) error { return os.Chmod(home, 0o770) }, "mode 0770", "chmod go-w "},
		{"the file is a link", func(home, outside string) error {
			return errors.Join(os.Remove(home+"/a/b"), os.Symlink(outside+"/b", home+"/a/b"))
		}, "not a regular file", ""},
		{"the file is a pipe's name", func(home, _ string) error {
			return errors.Join(os.Remove(home+"/a/b"), os.Mkdir(home+"/a/b", 0o700))
		}, "not a regular file", ""},
		{"the folder is a link", func(home, outside string) error {
			return errors.Join(os.RemoveAll(home+"/a"), os.Symlink(outside, home+"/a"))
		}, "a link", ""},
	}
	if os.Geteuid() == 0 {
		tests = append(tests, []struct {
			name    string
			spoil   func(home, outside string) error
			problem string
			mend    string
		}{
			{"the file is another's", func(home, _ string) error { return os.Chown(home+"/a/b", 12345, -1) }, "another user (12345)", `sudo chown "$USER" `},
			{"the folder is another's", func(home, _ string) error { return os.Chown(home+"/a", 12345, -1) }, "another user (12345)", `sudo chown "$USER" `},
		}...)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			home, outside := filepath.Join(t.TempDir(), "home"), t.TempDir()
			if err := errors.Join(private.Write(home, "a/b", []byte("x")), os.WriteFile(outside+"/b", nil, 0o600), test.spoil(home, outside)); err != nil {
				t.Fatal(err)
			}
			_, err := private.Read(home, "a/b", 10)
			e, ok := errors.AsType[*private.Error](err)
			if !ok || !strings.Contains(e.Problem, test.problem) || !strings.HasPrefix(e.Mend, test.mend) || (test.mend == "") != (e.Hint() == "") {
				t.Errorf("Read: %v, hint %+v, want %q", err, e, test.problem)
			}
			if _, err := private.Append(home, "a/b"); err == nil {
				t.Error("Append succeeds")
			}
			if data, err := os.ReadFile(outside + "/b"); len(data) > 0 || err != nil {
				t.Errorf("the file outside has %q, %v", data, err)
			}
		})
	}
}
