package locallambda_test

import (
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/locallambda"
)

// reports collects what the platform reports.
type reports struct {
	mu  sync.Mutex
	all []locallambda.Report
}

func (r *reports) add(one locallambda.Report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, one)
}

func (r *reports) list() []locallambda.Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all
}

func TestReportString(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		report locallambda.Report
		want   string
	}{
		{
			locallambda.Report{RequestID: "1", Duration: 1234567 * time.Nanosecond, Init: 20 * time.Millisecond, Memory: 128, Used: 31},
			"REPORT RequestId: 1\tDuration: 1.23 ms\tBilled Duration: 22 ms\tMemory Size: 128 MB\tMax Memory Used: 31 MB\tInit Duration: 20.00 ms",
		},
		{
			locallambda.Report{RequestID: "2", Duration: 3 * time.Second, Memory: 256, Error: "timeout"},
			"REPORT RequestId: 2\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\tMemory Size: 256 MB\tStatus: timeout",
		},
		{
			locallambda.Report{RequestID: "3", Memory: 256, Error: "Runtime.ExitError"},
			"REPORT RequestId: 3\tDuration: 0.00 ms\tBilled Duration: 0 ms\tMemory Size: 256 MB\tStatus: error\tError Type: Runtime.ExitError",
		},
	} {
		if got := test.report.String(); got != test.want {
			t.Errorf("got  %q\nwant %q", got, test.want)
		}
	}
}

// With Warm one process answers requests that do not overlap, and with Cold each
// request has a process of its own.
func TestWarmAndCold(t *testing.T) {
	t.Parallel()
	for _, cold := range []bool{false, true} {
		var reports reports
		p, _ := start(t, locallambda.Options{Instances: 3, Warm: true, Cold: cold, Memory: 512, Name: "shop", Report: reports.add})
		for range 3 {
			if status, body := post(t, p.URL()+"/env", "AWS_LAMBDA_FUNCTION_NAME AWS_LAMBDA_FUNCTION_MEMORY_SIZE"); status != 200 || body != "shop 512" {
				t.Errorf("the function is told %d %q", status, body)
			}
		}
		p.Stop()
		want := 1
		if cold {
			want = 3
		}
		if got := p.Count(locallambda.Started); got != want {
			t.Errorf("cold %v: %d processes, want %d", cold, got, want)
		}
		for i, r := range reports.list() {
			if (r.Init > 0) != (cold || i == 0) || r.Duration <= 0 || r.Memory != 512 || (r.Used > 0) != (runtime.GOOS == "linux") || r.Error != "" || !strings.HasPrefix(r.RequestID, "0000000") {
				t.Errorf("cold %v: report %d is %+v", cold, i, r)
			}
		}
		if n := len(reports.list()); n != 3 {
			t.Errorf("%d reports", n)
		}
	}
}

// A process that ends by itself is reported with its error.
func TestReportOfACrash(t *testing.T) {
	t.Parallel()
	var reports reports
	p, _ := start(t, locallambda.Options{Report: reports.add})
	if status, _ := post(t, p.URL()+"/exit", ""); status != 502 {
		t.Errorf("status %d", status)
	}
	p.Stop()
	if all := reports.list(); len(all) != 1 || all[0].Error != "Runtime.ExitError" {
		t.Errorf("reports = %v", all)
	}
}
