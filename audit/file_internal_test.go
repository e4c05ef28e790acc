package audit

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// Requests that end while a batch is being written share the next write.
func TestBatch(t *testing.T) {
	t.Parallel()
	file := newFile(t)
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	file.writing.Lock() // as if a batch were being written
	file.file.Close()
	file.file = writer
	defer file.Close()
	var all sync.WaitGroup
	for i := range 3 {
		all.Go(func() {
			if err := file.write(&Record{Size: i}); err != nil {
				t.Error(err)
			}
		})
	}
	for lines := 0; lines < 3; runtime.Gosched() {
		file.mu.Lock()
		lines = file.next.lines
		file.mu.Unlock()
	}
	file.writing.Unlock()
	all.Wait()
	text := make([]byte, 10_000)
	n, err := reader.Read(text)
	if got := strings.Count(string(text[:n]), "}\n"); got != 3 || err != nil {
		t.Errorf("one write has %d records (%v), want 3: %s", got, err, text[:n])
	}
	if err := file.write(&Record{}); err != nil {
		t.Error(err)
	}
	if n, err = reader.Read(text); strings.Count(string(text[:n]), "\n") != 1 || err != nil {
		t.Errorf("the next write has %q (%v), want one record", text[:n], err)
	}
}

// A disk that becomes full within a batch loses the records that are not whole in the
// file, and no others.
func TestBatchInPart(t *testing.T) {
	t.Parallel()
	var b batch
	b.reset(nil)
	var ends []int
	for range 3 {
		end, err := b.add(&Record{})
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, end)
	}
	line := ends[0] - 1
	for _, tt := range []struct {
		room int // of the disk, in bytes
		part bool
		lost []bool
	}{
		{0, false, []bool{true, true, true}},
		{line, false, []bool{false, true, true}},
		{line + 5, true, []bool{false, true, true}},
		{3 * line, false, []bool{false, false, false}},
	} {
		b, part := b, false
		disk := full{room: tt.room}
		b.write(&disk, &part)
		for i, end := range ends {
			if err := b.outcome(end); (err != nil) != tt.lost[i] {
				t.Errorf("with room for %d bytes, record %d: %v, want lost: %t", tt.room, i, err, tt.lost[i])
			}
		}
		if part != tt.part {
			t.Errorf("with room for %d bytes, the last line has no end: %t, want %t", tt.room, part, tt.part)
		}
		disk.room = 1000
		b.reset(nil)
		_, _ = b.add(&Record{})
		b.write(&disk, &part)
		if text := disk.text.String(); strings.Contains(text, "\n\n") || tt.part != strings.Contains(text, "\n{") && tt.room < line || strings.HasPrefix(text, "\n") {
			t.Errorf("with room for %d bytes, the file is %q", tt.room, text)
		}
	}
}

// A full disk has room for so many bytes.
type full struct {
	room int
	text strings.Builder
}

func (f *full) Write(p []byte) (int, error) {
	if len(p) <= f.room {
		return f.text.Write(p)
	}
	n, _ := f.text.Write(p[:f.room])
	return n, errors.New("no space left")
}

// A process that is killed loses no record whose write has returned.
func TestKilled(t *testing.T) {
	t.Parallel()
	const variable = "AUDIT_TEST_KILLED"
	if path := os.Getenv(variable); path != "" {
		writeUntilKilled(t, path)
	}
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilled$")
	child.Env = append(os.Environ(), variable+"="+path)
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if told[lines.Text()] = true; len(told) == 1000 {
			_ = child.Process.Kill()
		}
	}
	_ = child.Wait()
	kept, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(told) < 1000 {
		t.Fatalf("the process has written %d records only", len(told))
	}
	for name := range told {
		if !strings.Contains(string(kept), `"subject":"`+name+`"`) && strings.HasPrefix(name, "record ") {
			t.Errorf("%s is lost", name)
		}
	}
}

// writeUntilKilled writes records from several goroutines, and tells of each that has
// been written.
func writeUntilKilled(t *testing.T, path string) {
	file, err := File(path)
	if err != nil {
		t.Fatal(err)
	}
	file.open.Store(1000) // so that records wait for each other
	for worker := range 8 {
		go func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("record %d of %d", i, worker)
				if err := file.write(&Record{Subject: name}); err == nil {
					fmt.Fprintln(os.Stdout, name)
				}
			}
		}()
	}
	select {}
}

// The memory of one record is not seen in the next one, and no request counts as under
// way when it has ended.
func TestEntries(t *testing.T) {
	t.Parallel()
	file := newFile(t)
	trail := New(file)
	for range 3 {
		e := trail.newEntry()
		file.open.Add(1)
		if e.record.Subject != "" || e.record.Arguments != nil || e.names != [8]string{} {
			t.Fatalf("a new entry is %+v", e)
		}
		e.record = Record{Subject: "ann", Arguments: append(e.names[:0], "pin")}
		trail.release(e)
	}
	if n := file.open.Load(); n != 0 {
		t.Errorf("%d requests are under way, want none", n)
	}
}

func newFile(t *testing.T) *FileSink {
	t.Helper()
	file, err := File(filepath.Join(t.TempDir(), "audit.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}
