package inspector

import (
	"fmt"
	"strings"
	"testing"
)

// The journal keeps the last entries, at most so many and so many bytes, and tells
// a reader how many it has missed.
func TestJournal(t *testing.T) {
	t.Parallel()
	j := newJournal(3, 1<<10)
	read := func(after int64) string {
		lines, last, lost, _ := j.after(after)
		var b strings.Builder
		for _, line := range lines {
			b.Write(line)
		}
		return fmt.Sprintf("%s%d %d", strings.ReplaceAll(b.String(), "\n", " "), last, lost)
	}
	add := func(text string) { j.add(map[string]string{"t": text}) }
	if got := read(0); got != "0 0" {
		t.Errorf("an empty journal: %s", got)
	}
	for _, text := range []string{"a", "b", "c", "d"} {
		add(text)
	}
	for _, test := range []struct {
		after int64
		want  string
	}{
		{0, `{"seq":2,"t":"b"} {"seq":3,"t":"c"} {"seq":4,"t":"d"} 4 1`},
		{1, `{"seq":2,"t":"b"} {"seq":3,"t":"c"} {"seq":4,"t":"d"} 4 0`},
		{3, `{"seq":4,"t":"d"} 4 0`},
		{4, `4 0`},
		{99, `4 0`},
		{-9, `{"seq":2,"t":"b"} {"seq":3,"t":"c"} {"seq":4,"t":"d"} 4 1`},
	} {
		if got := read(test.after); got != test.want {
			t.Errorf("after %d: %s, want %s", test.after, got, test.want)
		}
	}
	add(strings.Repeat("x", 2000)) // more than all together: it is kept alone
	if _, last, lost, _ := j.after(4); last != 5 || lost != 0 || len(j.entries) != 1 {
		t.Errorf("%d entries up to %d", len(j.entries), last)
	}
	_, _, _, more := j.after(5)
	select {
	case <-more:
		t.Error("there is nothing more, and more is closed")
	default:
	}
	add("e")
	<-more
	if j.bytes != len(j.entries[0].line) || j.find(5) != nil || j.find(99) != nil {
		t.Errorf("%d bytes in %d entries", j.bytes, len(j.entries))
	}
}

// A reader gets many entries in batches, each once.
func TestJournalBatches(t *testing.T) {
	t.Parallel()
	j := newJournal(maxEntries, maxBytes)
	for n := range 3*maxBatch + 1 {
		j.add(map[string]int{"n": n})
	}
	seq, n := int64(0), 0
	for {
		lines, last, lost, _ := j.after(seq)
		if lost != 0 {
			t.Fatalf("%d are lost", lost)
		}
		if len(lines) == 0 {
			break
		}
		for _, line := range lines {
			if want := fmt.Sprintf("{\"seq\":%d,\"n\":%d}\n", n+1, n); string(line) != want {
				t.Fatalf("line %s, want %s", line, want)
			}
			n++
		}
		seq = last
	}
	if n != 3*maxBatch+1 {
		t.Errorf("%d entries", n)
	}
}
