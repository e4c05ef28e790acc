package locallambda_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/locallambda"
)

var invocations = flag.Int("invocations", 10_000, "how many `invocations` the test with kills and freezes makes")

// The set-up of main runs once in each environment, and its deferred clean-up
// at SIGTERM: with any handler, and with an engine.
func TestSetUpAndCleanUpOncePerEnvironment(t *testing.T) {
	t.Parallel()
	needSignals(t)
	for _, test := range []struct {
		function string
		event    []byte
		want     string
	}{
		{"bootstrap", event("/echo", "hello"), "hello"},
		{"engine", event("/mcp", `{"jsonrpc":"2.0","id":1,"method":"ping"}`), `{"jsonrpc":"2.0","id":1,"result":{}}`},
	} {
		t.Run(test.function, func(t *testing.T) {
			t.Parallel()
			checkLedger(t, test.function, test.event, test.want)
		})
	}
}

func checkLedger(t *testing.T, function string, event []byte, want string) {
	t.Helper()
	const environments, n = 5, 500
	ledger := filepath.Join(t.TempDir(), "ledger")
	// A busy machine may need longer than the platform would wait.
	p, _ := start(t, locallambda.Options{
		Bootstrap: build(t, function), Instances: environments, Freeze: true, Grace: time.Minute, Env: []string{"LEDGER=" + ledger},
	})
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	var used [environments]atomic.Int64 // invocations
	each(n, environments, func(i int) {
		result, err := p.Invoke(t.Context(), event)
		if err != nil || result.FunctionError != "" || bodyOf(t, result) != want {
			t.Errorf("Invoke %d = %s, %s, %v", i, result.Payload, result.FunctionError, err)
		}
		used[result.Instance].Add(1)
	})
	for line := range readLedger(t, ledger) {
		if strings.HasPrefix(line, "stop") {
			t.Errorf("%q is noted before the end", line)
		}
	}
	for i := range used {
		if used[i].Load() == 0 {
			t.Errorf("environment %d had no invocation", i)
		}
		p.Retire(i)
	}
	noted := readLedger(t, ledger)
	for _, e := range p.Ledger() {
		if e.Kind != locallambda.Started {
			continue
		}
		for _, what := range []string{"start", "stop"} {
			line := fmt.Sprintf("%s %d", what, e.Process)
			if noted[line] != 1 {
				t.Errorf("process %d noted its %s %d times, want once", e.Process, what, noted[line])
			}
			delete(noted, line)
		}
	}
	if len(noted) > 0 || p.Count(locallambda.Started) != environments || p.Count(locallambda.Ended) != environments {
		t.Errorf("%d processes were started and %d ended, want %d of each; left over: %v", p.Count(locallambda.Started), p.Count(locallambda.Ended), environments, noted)
	}
}

// readLedger counts the lines that the processes have written.
func readLedger(t *testing.T, name string) map[string]int {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	noted := map[string]int{}
	for line := range strings.Lines(string(text)) {
		noted[strings.TrimSpace(line)]++
	}
	return noted
}

// Every well-formed request to a running process is answered once and with its
// own answer, while other processes are killed or frozen.
func TestKillsFreezesAndMalformedEvents(t *testing.T) {
	t.Parallel()
	needSignals(t)
	const environments = 5
	p, _ := start(t, locallambda.Options{Instances: environments, Freeze: true})
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	malformed := []string{"{}", "{", `{"Records":[{}]}`, `{"version":"2.0","requestContext":{"http":{"method":"POST"}},"body":7}`}
	var answered, refused, lost, kills atomic.Int64
	each(*invocations, environments+1, func(i int) {
		random := rand.New(rand.NewPCG(seed, uint64(i)))
		at := random.IntN(environments)
		switch random.IntN(100) {
		case 0:
			kills.Add(1)
			p.Kill(at)
		case 1, 2:
			// It fails when the process has ended already.
			_ = p.Freeze(at)
			_ = p.Thaw(at)
		}
		sent, want := event("/echo", fmt.Sprint(i)), fmt.Sprint(i)
		bad := random.IntN(20) == 0
		if bad {
			sent = []byte(malformed[random.IntN(len(malformed))])
		}
		result, err := p.Invoke(t.Context(), sent)
		switch {
		case err != nil:
			t.Errorf("Invoke %d: %v", i, err)
		case strings.Contains(result.FunctionError, "ExitError"):
			lost.Add(1)
		case bad && result.FunctionError == "Unhandled":
			refused.Add(1)
		case !bad && result.FunctionError == "" && bodyOf(t, result) == want:
			answered.Add(1)
		default:
			t.Errorf("Invoke(%s) = %+v", sent, result)
		}
	})
	t.Logf("%d answered, %d malformed, %d lost with their process; %d kills, %d processes",
		answered.Load(), refused.Load(), lost.Load(), kills.Load(), p.Count(locallambda.Started))
	// Processes only end when they are killed, and a kill ends at most the one
	// invocation under way.
	if n := p.Count(locallambda.Crashed) + p.Count(locallambda.TimedOut); n > 0 {
		t.Errorf("%d processes died by themselves: %+v", n, p.Ledger())
	}
	if killed := int64(p.Count(locallambda.Killed)); lost.Load() > killed || killed > kills.Load() {
		t.Errorf("%d invocations were lost with %d processes and %d kills", lost.Load(), killed, kills.Load())
	}
	if sum := answered.Load() + refused.Load() + lost.Load(); sum != int64(*invocations) {
		t.Errorf("%d invocations ended, want %d", sum, *invocations)
	}
}

func bodyOf(t *testing.T, result locallambda.Result) string {
	t.Helper()
	var answer struct {
		Body string `json:"body"`
	}
	if err := json.Unmarshal(result.Payload, &answer); err != nil {
		t.Errorf("the answer %.200q: %v", result.Payload, err)
	}
	return answer.Body
}

// each calls f with the numbers below n, from several goroutines.
func each(n, workers int, f func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				f(int(i))
			}
		})
	}
	wg.Wait()
}
