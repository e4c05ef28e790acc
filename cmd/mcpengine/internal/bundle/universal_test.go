package bundle

import (
	"bytes"
	"context"
	"debug/macho"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/deploy"
)

// builder builds a program without imports, whose parts for macOS take a second each.
func builder(t *testing.T) Builder {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module example.com/tool\n\ngo 1.26.0\n", "main.go": "package main\n\nfunc main() { println(42) }\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	source, err := deploy.FindSource(t.Context(), dir, deploy.BuildFlags{})
	if err != nil {
		t.Fatal(err)
	}
	return source.Program
}

// The parts of a universal binary are the programs as they were built, and the loader
// finds them where the format wants them.
func TestUniversal(t *testing.T) {
	t.Parallel()
	built := map[string][]byte{}
	build := builder(t)
	platforms, err := FindPlatforms([]string{"darwin"})
	if err != nil {
		t.Fatal(err)
	}
	data, err := platforms[0].program(t.Context(), func(ctx context.Context, goos, arch string) ([]byte, error) {
		data, err := build(ctx, goos, arch)
		built[arch] = data
		return data, err
	})
	if err != nil {
		t.Fatal(err)
	}
	fat, err := macho.NewFatFile(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if len(fat.Arches) != 2 {
		t.Fatalf("it has %d parts", len(fat.Arches))
	}
	const uuid = 0x1b // LC_UUID, without which macOS 26 starts no program
	for i, want := range []struct {
		cpu  macho.Cpu
		arch string
	}{{macho.CpuAmd64, "amd64"}, {macho.CpuArm64, "arm64"}} {
		part := fat.Arches[i]
		if part.FatArchHeader.Cpu != want.cpu || part.File.Cpu != want.cpu || part.FatArchHeader.SubCpu != part.File.SubCpu || part.Type != macho.TypeExec {
			t.Errorf("part %d is %+v of the program %+v", i, part.FatArchHeader, part.FileHeader)
		}
		if part.Offset%(1<<part.Align) != 0 || part.Offset%0x4000 != 0 {
			t.Errorf("%s begins at %#x, aligned to 2^%d", want.arch, part.Offset, part.Align)
		}
		if got := data[part.Offset : part.Offset+part.FatArchHeader.Size]; !bytes.Equal(got, built[want.arch]) {
			t.Errorf("%s is not the program that was built", want.arch)
		}
		found := false
		for _, load := range part.Loads {
			found = found || part.ByteOrder.Uint32(load.Raw()) == uuid
		}
		if !found {
			t.Errorf("%s has no UUID", want.arch)
		}
	}
	if _, err := universal(built["arm64"], built["arm64"]); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("one architecture twice: %v", err)
	}
	if _, err := universal(data, built["arm64"]); err == nil {
		t.Error("a universal binary in a universal binary is taken")
	}
}

// Whatever it is given, universal fails or returns parts that are those bytes.
func FuzzUniversal(f *testing.F) {
	header := binary.LittleEndian.AppendUint32(nil, macho.Magic64)
	for _, field := range []uint32{uint32(macho.CpuArm64), 0, uint32(macho.TypeExec), 0, 0, 0, 0} {
		header = binary.LittleEndian.AppendUint32(header, field)
	}
	other := bytes.Clone(header)
	binary.LittleEndian.PutUint32(other[4:], uint32(macho.CpuAmd64))
	f.Add(other, header)
	f.Add(header, header)
	f.Add([]byte{}, header)
	f.Fuzz(func(t *testing.T, one, two []byte) {
		data, err := universal(one, two)
		if err != nil {
			return
		}
		fat, err := macho.NewFatFile(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		for i, program := range [][]byte{one, two} {
			part := fat.Arches[i]
			if !bytes.Equal(data[part.Offset:part.Offset+part.FatArchHeader.Size], program) {
				t.Errorf("part %d differs", i)
			}
		}
	})
}
