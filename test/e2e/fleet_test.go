package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/internal/pgtest"
	"github.com/mcpengine/mcpengine/internal/sse"
)

// A broker is what the replicas of a fleet are connected by.
type broker struct {
	url           string
	kill, restart func()
}

func postgresBroker(t *testing.T) broker {
	t.Helper()
	server := pgtest.Start(t)
	return broker{server.Database(t, "fleet"), func() { server.Stop(t) }, func() { server.Restart(t) }}
}

func redisBroker(t *testing.T) broker {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("Redis is not installed: run scripts/install-redis")
	}
	address, dir := freeAddress(t), t.TempDir()
	var cmd *exec.Cmd
	start := func() {
		cmd = exec.CommandContext(context.WithoutCancel(t.Context()), program,
			"--bind", "127.0.0.1", "--port", address[strings.LastIndexByte(address, ':')+1:], "--save", "", "--dir", dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
	}
	kill := func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	start()
	t.Cleanup(kill)
	return broker{"redis://" + address, kill, start}
}

// Five replicas behind nginx, which sends each request to the next one. Clients
// of 2025-11-25 are asked, and post their answers to whatever replica comes;
// clients of two versions listen for changes, which happen on all replicas,
// while the bus is killed and started again. Nothing is lost. `make chaos` asks
// more, as MCPENGINE_QUESTIONS and MCPENGINE_OUTAGES say.
func TestFleet(t *testing.T) {
	nginx := nginxProgram(t)
	for name, start := range map[string]func(*testing.T) broker{"PostgreSQL": postgresBroker, "Redis": redisBroker} {
		t.Run(name, func(t *testing.T) {
			b := start(t)
			var replicas []*replica
			for range 5 {
				r := newReplicaProcess(t)
				r.bus = b.url
				r.start(t)
				waitForText(t, "http://"+r.address+"/readyz", "bus: connected")
				replicas = append(replicas, r)
			}
			front := startNginx(t, nginx, replicas) + "/mcp"
			askFleet(t, front, number(t, "MCPENGINE_QUESTIONS", 100), func() {})
			useFleetSessions(t, front, replicas, name == "PostgreSQL")
			changeFleet(t, front, replicas, b, number(t, "MCPENGINE_OUTAGES", 2))
			for _, r := range replicas {
				r.stop(t)
			}
		})
	}
}

func number(t *testing.T, variable string, standard int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return standard
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return n
}

// waitForText waits until a page has a text.
func waitForText(t *testing.T, page, text string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, page, nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if strings.Contains(string(body), text) {
				return
			}
		}
		if time.Now().After(end) {
			t.Fatalf("%s does not say %q", page, text)
		}
	}
}

// askFleet lets clients be asked n questions. It calls then when each has posted
// its first answer.
func askFleet(t *testing.T, front string, n int, then func()) {
	t.Helper()
	const clients = 10
	var posted sync.WaitGroup
	posted.Add(clients)
	var answered atomic.Int64
	var all sync.WaitGroup
	began := time.Now()
	for i := range clients {
		all.Go(func() {
			c := newFleetClient(front)
			if err := c.initialize(t.Context()); err != nil {
				t.Error(err)
				posted.Done()
				return
			}
			c.posted = sync.OnceFunc(posted.Done)
			defer c.posted()
			for j := range n / clients {
				word := fmt.Sprintf("word %d of %d", j, i)
				got, err := c.beAsked(t.Context(), word)
				if err != nil || got != word {
					t.Errorf("the question ends with %q, %v, want %q", got, err, word)
					continue
				}
				answered.Add(1)
			}
		})
	}
	posted.Wait()
	then()
	all.Wait()
	t.Logf("%d of %d questions of 2025-11-25 answered in %v", answered.Load(), n/clients*clients, time.Since(began).Round(time.Millisecond))
}

// changeFleet changes resources on all replicas, and kills the bus in between.
func changeFleet(t *testing.T, front string, replicas []*replica, b broker, outages int) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var listeners []*fleetListener
	for i := range 10 {
		l, err := listenToFleet(ctx, front, fmt.Sprintf("state:%d", i), i%2 == 0)
		if err != nil {
			t.Fatal(err)
		}
		listeners = append(listeners, l)
	}
	touch := func(n int) {
		for i, l := range listeners {
			l.mark()
			c := newFleetClient("http://" + replicas[(i+n)%len(replicas)].address + "/mcp")
			if _, err := c.call(ctx, "touch", map[string]any{"uri": l.uri}); err != nil {
				t.Errorf("touch %s: %v", l.uri, err)
			}
		}
	}
	var delays []time.Duration
	for n := range 20 {
		touch(n)
		for _, l := range listeners {
			delays = append(delays, l.wait(t))
		}
	}
	slices.Sort(delays)
	t.Logf("a change is heard after %v (median), %v (p99) of %d", delays[len(delays)/2], delays[len(delays)*99/100], len(delays))

	heard := 0
	for n := range outages {
		b.kill()
		for _, r := range replicas {
			waitForText(t, "http://"+r.address+"/readyz", "bus: lost")
		}
		touch(n)
		askFleet(t, front, len(listeners), b.restart)
		for _, l := range listeners {
			l.wait(t)
			heard++
		}
		for _, r := range replicas {
			waitForText(t, "http://"+r.address+"/readyz", "bus: connected")
		}
	}
	t.Logf("%d of %d changes heard after %d outages of the bus", heard, outages*len(listeners), outages)
}

// A fleetClient is a client of 2025-11-25 on bare HTTP, or one without a
// session of 2026-07-28.
type fleetClient struct {
	url     string
	session string

	lastEvent string // that a GET resumes a stream after
	posted    func() // called when an answer to a question has been posted
}

func newFleetClient(url string) *fleetClient { return &fleetClient{url: url} }

func (c *fleetClient) request(ctx context.Context, method string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	if c.session != "" {
		req.Header.Set("Mcp-Session-Id", c.session)
		req.Header.Set("MCP-Protocol-Version", "2025-11-25")
	} else if method == http.MethodPost && !bytes.Contains(body, []byte(`"initialize"`)) {
		req.Header.Set("MCP-Protocol-Version", version)
		var message struct {
			Method string `json:"method"`
			Params struct {
				Name string `json:"name"`
			} `json:"params"`
		}
		if err := json.Unmarshal(body, &message); err != nil {
			return nil, err
		}
		req.Header.Set("Mcp-Method", message.Method)
		if message.Params.Name != "" {
			req.Header.Set("Mcp-Name", message.Params.Name)
		}
	}
	if c.lastEvent != "" {
		req.Header.Set("Last-Event-ID", c.lastEvent)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		return nil, fmt.Errorf("HTTP %d %s", resp.StatusCode, text)
	}
	return resp, nil
}

func (c *fleetClient) initialize(ctx context.Context) error {
	resp, err := c.request(ctx, http.MethodPost, []byte(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"elicitation":{}},"clientInfo":{"name":"fleet","version":"1"}}}`))
	if err != nil {
		return err
	}
	resp.Body.Close()
	c.session = resp.Header.Get("Mcp-Session-Id")
	return nil
}

type fleetMessage struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Result struct {
		Content []struct {
			Text string `json:"text"`
		} `json:"content"`
	} `json:"result"`
}

// beAsked calls the tool that asks, answers it, and returns its result.
func (c *fleetClient) beAsked(ctx context.Context, word string) (string, error) {
	resp, err := c.request(ctx, http.MethodPost, []byte(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ask","arguments":{}}}`))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	for events := sse.NewReader(resp.Body, 1<<20); ; {
		event, err := events.Next()
		if err != nil {
			return "", err
		}
		var m fleetMessage
		switch err := json.Unmarshal(event.Data, &m); {
		case len(event.Data) == 0:
		case err != nil:
			return "", err
		case m.Method == "elicitation/create":
			answer := fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"result":{"action":"accept","content":{"word":%q}}}`, m.ID, word)
			resp, err := c.request(ctx, http.MethodPost, answer)
			if err != nil {
				return "", err
			}
			resp.Body.Close()
			c.posted()
		case len(m.Result.Content) > 0:
			return m.Result.Content[0].Text, nil
		default:
			return "", fmt.Errorf("unexpected message %s", event.Data)
		}
	}
}

const fleetMeta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"` + version + `","io.modelcontextprotocol/clientInfo":{"name":"fleet","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}`

func (c *fleetClient) call(ctx context.Context, tool string, arguments map[string]any) (string, error) {
	encoded, err := json.Marshal(arguments)
	if err != nil {
		return "", err
	}
	resp, err := c.request(ctx, http.MethodPost, fmt.Appendf(nil, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":%q,"arguments":%s,%s}}`, tool, encoded, fleetMeta))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// A fleetListener listens for updates of one resource. It notes when it heard of
// the last change.
type fleetListener struct {
	uri string

	mu    sync.Mutex
	began time.Time          // when the change was made
	heard chan time.Duration // how long it took until the change was heard
}

// listenToFleet listens in 2026-07-28, or with a session of 2025-11-25.
func listenToFleet(ctx context.Context, front, uri string, session bool) (*fleetListener, error) {
	c, l := newFleetClient(front), &fleetListener{uri: uri}
	var resp *http.Response
	var err error
	if session {
		if err = c.initialize(ctx); err == nil {
			resp, err = c.request(ctx, http.MethodPost, fmt.Appendf(nil, `{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":%q}}`, uri))
		}
		if err == nil {
			resp.Body.Close()
			resp, err = c.request(ctx, http.MethodGet, nil)
		}
	} else {
		resp, err = c.request(ctx, http.MethodPost, fmt.Appendf(nil, `{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":[%q]},%s}}`, uri, fleetMeta))
	}
	if err != nil {
		return nil, fmt.Errorf("listen for %s: %w", uri, err)
	}
	events := sse.NewReader(resp.Body, 1<<20)
	if _, err := events.Next(); err != nil { // the acknowledgement, or the id of the stream
		return nil, err
	}
	go func() {
		defer resp.Body.Close()
		for {
			event, err := events.Next()
			if err != nil {
				return
			}
			if strings.Contains(string(event.Data), "resources/updated") {
				l.note()
			}
		}
	}()
	return l, nil
}

// mark notes that a change is about to be made.
func (l *fleetListener) mark() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.began, l.heard = time.Now(), make(chan time.Duration, 1)
}

func (l *fleetListener) note() {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.heard <- time.Since(l.began):
	default: // heard already, or no change was made
	}
}

// wait waits until the change has been heard, and returns how long that took
// since it was marked.
func (l *fleetListener) wait(t *testing.T) time.Duration {
	t.Helper()
	l.mu.Lock()
	heard := l.heard
	l.mu.Unlock()
	select {
	case took := <-heard:
		return took
	case <-time.After(time.Minute):
		t.Fatalf("%s: a change is not heard", l.uri)
	}
	return 0
}
