package locallambda_test

import (
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/locallambda"
)

// invoke calls the operation Invoke, as an SDK does.
func invoke(t *testing.T, p *locallambda.Platform, kind, event string) (status int, answer, functionError string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.InvokeURL()+"/2015-03-31/functions/"+locallambda.Function+"/invocations", strings.NewReader(event))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Amz-Invocation-Type", kind)
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+locallambda.AccessKey+"/20261130/eu-west-1/lambda/aws4_request")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text), resp.Header.Get("X-Amz-Function-Error")
}

// An event that is invoked with reaches the function. An asynchronous invocation
// is repeated while it fails, and given up in the end.
func TestInvoke(t *testing.T) {
	t.Parallel()
	ledger := filepath.Join(t.TempDir(), "ledger")
	p, _ := start(t, locallambda.Options{
		Freeze: true, Env: []string{"LEDGER=" + ledger}, Duplicates: 2,
		Retries: []time.Duration{time.Millisecond, 2 * time.Millisecond},
	})
	if status, answer, failed := invoke(t, p, "RequestResponse", `{"job":"now"}`); status != 200 || answer != `"done"` || failed != "" {
		t.Errorf("%d %s %s", status, answer, failed)
	}
	if status, answer, failed := invoke(t, p, "RequestResponse", `{"job":"always fail"}`); status != 200 || failed == "" || !strings.Contains(answer, "as asked") {
		t.Errorf("%d %s %s", status, answer, failed)
	}
	for _, event := range []string{`{"job":"fail once"}`, `{"job":"twice"}`, `{"job":"always fail, later"}`} {
		if status, answer, _ := invoke(t, p, "Event", event); status != 202 || answer != "" {
			t.Errorf("%s: %d %s", event, status, answer)
		}
	}
	want := map[string]int{`{"job":"fail once"}`: 2, `{"job":"twice"}`: 2, `{"job":"always fail, later"}`: 3}
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for p.Count(locallambda.Dropped) == 0 {
		<-ticker.C
	}
	noted := func() map[string]int {
		got := map[string]int{}
		for line, n := range readLedger(t, ledger) {
			event, _, _ := strings.Cut(line, "} ")
			got[event+"}"] += n
		}
		return got
	}
	for event, n := range want {
		for noted()[event] < n {
			<-ticker.C
		}
	}
	p.Stop()
	got := noted()
	for event, n := range want {
		if got[event] != n {
			t.Errorf("%s was delivered %d times, want %d", event, got[event], n)
		}
	}
}

// What Invoke does not accept is refused before it is delivered.
func TestInvokeRefuses(t *testing.T) {
	t.Parallel()
	p, _ := start(t, locallambda.Options{})
	for event, want := range map[string]string{
		"no JSON":                              "InvalidRequestContentException",
		`"` + strings.Repeat("x", 1<<20) + `"`: "too large",
	} {
		if status, answer, _ := invoke(t, p, "Event", event); status < 400 {
			t.Errorf("%.20s: %d %s, want %s", event, status, answer, want)
		}
	}
	p.Throttle(true)
	if status, _, _ := invoke(t, p, "Event", `{}`); status != http.StatusTooManyRequests {
		t.Errorf("throttled: %d", status)
	}
	resp, err := http.Post(p.InvokeURL()+"/2015-03-31/functions/function/invocations", "application/json", strings.NewReader(`{}`)) //nolint:noctx // the test has no need of one
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("without a signature: %d", resp.StatusCode)
	}
}
