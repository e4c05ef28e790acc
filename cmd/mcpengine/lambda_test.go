package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// The weather server answers through a Function URL on this machine, from one
// process or from one for each request, and a line says how long each took.
func TestLambda(t *testing.T) {
	t.Chdir("../..")
	t.Setenv("GOWORK", "off")
	for _, cold := range []string{"--cold=false", "--cold"} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		out, in := io.Pipe()
		var stderr lockedBuffer
		ended := make(chan int, 1)
		go func() {
			args := []string{"lambda", "./examples/weather", "--port", "0", "--concurrency", "2", "--memory", "512", cold}
			code := run(ctx, args, strings.NewReader(""), in, &stderr, func(string) string { return "" })
			in.Close()
			ended <- code
		}()
		url, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			t.Fatalf("%v: %s", err, stderr.String())
		}
		for range 2 {
			callWeather(t, strings.TrimSpace(url))
		}
		cancel()
		if code := <-ended; code != 0 {
			t.Errorf("exit %d: %s", code, stderr.String())
		}
		starts := 1
		if cold == "--cold" {
			starts = 2
		}
		said := stderr.String()
		if strings.Count(said, "REPORT RequestId: ") != 2 || strings.Count(said, "\tInit Duration: ") != starts || !strings.Contains(said, "\tMemory Size: 512 MB") {
			t.Errorf("%s: it says %s", cold, said)
		}
	}
}

func TestLambdaFails(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	port := strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	for _, test := range []struct{ args, want string }{
		{"lambda testdata/hello --port " + port, "listen: listen tcp 127.0.0.1:" + port},
		{"lambda testdata/none", "find package"},
		{"lambda internal/deploy", "is package deploy and not a program"},
		{"lambda testdata/hello --include none.pem", "include: open none.pem"},
	} {
		code, stdout, stderr := call(t.Context(), "", strings.Fields(test.args)...)
		if code != 1 || stdout != "" || !strings.Contains(stderr, test.want) {
			t.Errorf("%s: exit %d, stdout %q, stderr %q", test.args, code, stdout, stderr)
		}
	}
}

// A lockedBuffer may be read while a program writes.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
