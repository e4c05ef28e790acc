package locallambda

import (
	"fmt"
	"time"
)

// A Report describes an invocation that has ended, as the platform's log does.
type Report struct {
	RequestID string
	Duration  time.Duration

	// Init is how long the process took to be ready, if this was its first
	// invocation.
	Init time.Duration

	// Memory is the memory of the function in MB, and Used the most that the
	// process has had so far, or 0 where the system does not tell.
	Memory, Used int

	// Error says why the invocation failed, or is empty: "timeout" or the type of
	// an error.
	Error string
}

// String returns the line that the platform logs. An init is billed too.
func (r Report) String() string {
	line := fmt.Sprintf("REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %d ms\tMemory Size: %d MB",
		r.RequestID, milliseconds(r.Duration), ceiling(r.Duration+r.Init), r.Memory)
	if r.Used > 0 {
		line += fmt.Sprintf("\tMax Memory Used: %d MB", r.Used)
	}
	if r.Init > 0 {
		line += fmt.Sprintf("\tInit Duration: %.2f ms", milliseconds(r.Init))
	}
	switch r.Error {
	case "":
	case statusTimeout:
		line += "\tStatus: timeout"
	default:
		line += "\tStatus: error\tError Type: " + r.Error
	}
	return line
}

const statusTimeout = "timeout"

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func ceiling(d time.Duration) int64 { return int64((d + time.Millisecond - 1) / time.Millisecond) }

// report describes the invocation, which has ended.
func (inv *invocation) report() Report {
	i := inv.instance
	r := Report{RequestID: inv.id, Memory: i.environment.platform.options.Memory, Used: peakMemory(i)}
	i.mu.Lock()
	defer i.mu.Unlock()
	if !inv.began.IsZero() {
		r.Duration = time.Since(inv.began)
	}
	if inv.first {
		r.Init = i.init
	}
	select {
	case <-inv.answered:
		if inv.failed {
			r.Error = "Unhandled"
		}
	default:
		r.Error = "Runtime.ExitError"
		if i.ending == TimedOut {
			r.Error = statusTimeout
		}
	}
	return r
}
