package doctor

import (
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
)

// maxLogTail is how much of a log is read, from its end.
const maxLogTail = 64 << 10

var levelOfLine = regexp.MustCompile(`^time=(\S+) level=(ERROR|WARN)\S* (.*)$`)

// fromLog reports the last line of the bridge's log that is an error or a warning.
// The log has one line for each event, and no secret.
func (x *exam) fromLog() {
	f, err := os.Open(x.Log)
	if x.Log == "" || err != nil {
		return // no bridge has run
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return
	} else if info.Size() > maxLogTail {
		_, _ = f.Seek(-maxLogTail, io.SeekEnd) // or else it is read from the beginning
	}
	data, err := io.ReadAll(io.LimitReader(f, maxLogTail))
	if err != nil {
		return
	}
	lines := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	for _, text := range slices.Backward(lines) {
		line := levelOfLine.FindStringSubmatch(text)
		if line == nil {
			continue
		}
		x.add("bridge.log", Warning, "Read "+x.Log+", and see whether the error is gone.", "the last error of the bridge, at %s: %s", line[1], line[3])
		return
	}
	x.ok("bridge.log", "the log has no error")
}
