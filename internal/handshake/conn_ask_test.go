package handshake_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const askRoots = `{"jsonrpc":"2.0","id":"s-1","method":"roots/list","params":{}}`

func failed(id, message string) string {
	return success(id, `{"content":[{"type":"text","text":"`+message+`"}],"isError":true}`)
}

func TestClientAnswers(t *testing.T) {
	for _, test := range []struct {
		name, tool, reply, want string
	}{
		{"accept", "ask_user", `"result":{"action":"accept","content":{"user":"ann"}}`, text("1", "ann")},
		{"decline", "ask_user", `"result":{"action":"decline"}`, failed("1", "the user declined")},
		{"cancel", "ask_user", `"result":{"action":"cancel"}`, failed("1", "the user cancelled")},
		{"error", "ask_roots", `"error":{"code":-32601,"message":"no roots here"}`, failed("1", "the client answered roots/list: no roots here (-32601)")},
		{"error with data", "ask_roots", `"error":{"code":1,"message":"no","data":[1]}`, failed("1", "the client answered roots/list: no (1)")},
		{"error without message", "ask_roots", `"error":{"code":1}`, failed("1", "the client answered roots/list: no message (1)")},
		{"error without anything", "ask_roots", `"error":{}`, failed("1", "the client answered roots/list: no message (no code)")},
		{"error with a code that is a string", "ask_roots", `"error":{"code":"1","message":"no"}`, failed("1", "the client answered roots/list: no (no code)")},
		{"error with a message that is a number", "ask_roots", `"error":{"code":1,"message":2}`, failed("1", "the client answered roots/list: no message (1)")},
		{
			"error with a long message", "ask_roots", `"error":{"code":1,"message":"` + strings.Repeat("é", 1000) + `"}`,
			failed("1", "the client answered roots/list: "+strings.Repeat("é", 512)+"… (1)"),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := connectStdio(t, newFixture())
				c.open("2025-06-18")
				c.send(callTo("1", test.tool))
				c.got()
				c.send(`{"jsonrpc":"2.0","id":"s-1",` + test.reply + `}`)
				c.wants(test.want)
				c.end()
			})
		})
	}
}

// A response that is malformed or belongs to no request is ignored: the request
// still waits for its own response.
func TestWrongAnswersAreIgnored(t *testing.T) {
	right := `{"jsonrpc":"2.0","id":"s-1","result":{"roots":[{"uri":"file:///root"}]}}`
	for name, reply := range map[string]string{
		"unknown id":        `{"jsonrpc":"2.0","id":"s-2","result":{"roots":[]}}`,
		"other case":        `{"jsonrpc":"2.0","id":"S-1","result":{"roots":[]}}`,
		"number":            `{"jsonrpc":"2.0","id":1,"result":{"roots":[]}}`,
		"fraction":          `{"jsonrpc":"2.0","id":1.5,"result":{"roots":[]}}`,
		"null":              `{"jsonrpc":"2.0","id":null,"result":{"roots":[]}}`,
		"no id":             `{"jsonrpc":"2.0","result":{"roots":[]}}`,
		"error, id null":    `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse error"}}`,
		"no version":        `{"id":"s-1","result":{"roots":[]}}`,
		"error without id":  `{"jsonrpc":"2.0","error":{"code":-32700,"message":"parse error"}}`,
		"long id":           `{"jsonrpc":"2.0","id":"` + strings.Repeat("s", 300) + `","result":{"roots":[]}}`,
		"result and error":  `{"jsonrpc":"2.0","id":"s-1","result":{"roots":[]},"error":{"code":1,"message":""}}`,
		"error is a string": `{"jsonrpc":"2.0","id":"s-1","error":"no"}`,
		"error is null":     `{"jsonrpc":"2.0","id":"s-1","error":null}`,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := connectStdio(t, newFixture())
				c.open("2025-11-25")
				c.send(callTo("1", "ask_roots"))
				c.wants(askRoots)
				c.send(reply)
				c.wants()
				c.send(right)
				c.wants(text("1", "file:///root"))
				c.send(right) // twice
				c.wants()
				c.end()
			})
		})
	}
}

func TestEscapedIDOfAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connectStdio(t, newFixture())
		c.open("2025-11-25")
		c.send(callTo("1", "ask_roots"))
		c.got()
		c.send(`{"jsonrpc":"2.0","id":"\u0073-1","result":{"roots":[{"uri":"file:///root"}]}}`)
		c.wants(text("1", "file:///root"))
		c.end()
	})
}

func TestClientDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connectStdio(t, newFixture())
		c.open("2025-11-25")
		c.send(callTo("1", "ask_roots"))
		c.wants(askRoots)
		<-time.After(5*time.Minute - time.Second)
		c.wants()
		<-time.After(time.Second)
		c.wants(
			notification("notifications/cancelled", `{"requestId":"s-1","reason":"the client has not answered roots/list within 5m0s"}`),
			failed("1", "the client has not answered roots/list within 5m0s"),
		)
		c.send(`{"jsonrpc":"2.0","id":"s-1","result":{"roots":[]}}`) // late
		c.wants()
		c.end()
	})
}

func TestCancelledRequestCancelsItsQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connectStdio(t, newFixture())
		c.open("2025-11-25")
		c.send(callTo("1", "ask_roots"))
		c.wants(askRoots)
		c.send(notification("notifications/cancelled", `{"requestId":1}`))
		c.wants(notification("notifications/cancelled", `{"requestId":"s-1","reason":"the client cancelled the request"}`))
		c.end()
	})
}

// A client that has closed its end cannot answer any more. The requests it has
// sent before are still answered.
func TestClientIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connectStdio(t, newFixture())
		c.open("2025-11-25")
		c.send(callTo("1", "ask_roots"), callTo("2", "ask_user"))
		c.got()
		start := time.Now()
		c.in.Close()
		if err := <-c.done; err != nil || time.Since(start) != 0 {
			t.Errorf("ServeStdio = %v after %v, want nil at once", err, time.Since(start))
		}
		c.wantsAnyOrder(failed("1", "the client is gone"), failed("2", "the client is gone"))
	})
}

// A server that is told to stop ends its requests to the client, and the
// requests that wait for their answers, at once.
func TestServerStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connectStdio(t, newFixture())
		c.open("2025-11-25")
		c.send(callTo("1", "ask_roots"))
		c.got()
		start := time.Now()
		c.stop()
		<-c.done
		got := c.got()
		if len(got) != 2 || !strings.Contains(got[0], `"reason":"the server is shutting down"`) || !strings.Contains(got[1], "context canceled") || time.Since(start) != 0 {
			t.Errorf("received %q after %v, want the end of the question and of the request at once", got, time.Since(start))
		}
	})
}

func TestQuestionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connectStdio(t, newFixture())
		c.open("2025-11-25")
		for i := range 64 {
			c.send(callTo(strconv.Itoa(i+1), "ask_roots"))
		}
		c.got()
		c.send(callTo("65", "ask_roots"))
		c.wants(failed("65", "ask the client (roots/list): 64 requests wait for answers of the client already"))
		c.send(`{"jsonrpc":"2.0","id":"s-7","error":{"code":1,"message":"no"}}`)
		c.got()
		c.send(callTo("66", "ask_roots"))
		c.wants(`{"jsonrpc":"2.0","id":"s-65","method":"roots/list","params":{}}`)
		c.in.Close()
		<-c.done
	})
}

// Two hundred requests, up to sixty at a time, and a client that
// answers them as they come.
func TestParallelQuestions(t *testing.T) {
	t.Parallel()
	const total, window = 200, 60
	in, toServer := io.Pipe()
	fromServer, out := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- newFixture().ServeStdio(t.Context(), in, out)
		out.Close()
	}()
	lines := bufio.NewScanner(fromServer)
	send := func(line string) {
		if _, err := io.WriteString(toServer, line+"\n"); err != nil {
			t.Error(err)
		}
	}
	go func() { send(initializeRequest("0", "2025-11-25", everything) + "\n" + initialized) }()
	answers := make(chan string, 2*total)
	go func() { // never blocks the reader below
		for line := range answers {
			send(line)
		}
		toServer.Close()
	}()

	sent, answered := 0, map[string]bool{}
	for len(answered) < total && lines.Scan() {
		var m struct {
			ID     any
			Method string
			Result json.RawMessage
		}
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			t.Fatalf("%v: %s", err, lines.Bytes())
		}
		id := fmt.Sprint(m.ID)
		switch {
		case m.Method == "roots/list":
			answers <- `{"jsonrpc":"2.0","id":"` + id + `","result":{"roots":[{"uri":"file:///` + id + `"}]}}`
			continue
		case id == "0":
			for ; sent < window; sent++ {
				answers <- callTo(strconv.Itoa(sent+1), "ask_roots")
			}
			continue
		case answered[id] || !strings.Contains(string(m.Result), "file:///s-"):
			t.Errorf("received %s", lines.Bytes())
		}
		answered[id] = true
		if sent < total {
			sent++
			answers <- callTo(strconv.Itoa(sent), "ask_roots")
		}
	}
	close(answers)
	go io.Copy(io.Discard, fromServer)
	if err := <-done; err != nil || len(answered) != total {
		t.Errorf("%d answers, ServeStdio = %v", len(answered), err)
	}
}
