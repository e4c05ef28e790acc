// Command bootstrap is a function for the tests: an http.Handler with one path
// for each behaviour.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/mcpengine/mcpengine/internal/lambda"
	"github.com/mcpengine/mcpengine/internal/locallambda/testdata/note"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bootstrap: error:", err)
		os.Exit(1)
	}
}

// run records its set-up and its clean-up in the ledger, one line each.
func run() error {
	stream, err := lambda.ParseMode(os.Getenv)
	if err != nil {
		return err
	}
	if os.Getenv("FAIL") != "" {
		return errors.New("it was told to fail")
	}
	if err := note.Add("start"); err != nil {
		return err
	}
	defer note.Add("stop")

	mux := http.NewServeMux()
	mux.HandleFunc("/echo", echo)
	mux.HandleFunc("/stream", streamed)
	mux.HandleFunc("/big", big)
	mux.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic("as asked") })
	mux.HandleFunc("/empty", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })
	mux.HandleFunc("/headers", headers)
	mux.HandleFunc("/wait", func(w http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		fmt.Fprint(w, r.Context().Err())
	})
	mux.HandleFunc("/sigterm", sigterm)
	mux.HandleFunc("/env", env)
	mux.HandleFunc("/exit", func(http.ResponseWriter, *http.Request) { os.Exit(3) })
	mux.HandleFunc("/hang", func(http.ResponseWriter, *http.Request) { select {} })
	return lambda.Run(context.Background(), mux, lambda.Config{
		Stream: stream,
		Event:  event,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
}

// env answers the values of the variables that the request names.
func env(w http.ResponseWriter, r *http.Request) {
	names, _ := io.ReadAll(r.Body)
	for i, name := range strings.Fields(string(names)) {
		if i > 0 {
			fmt.Fprint(w, " ")
		}
		fmt.Fprint(w, os.Getenv(name))
	}
}

// event notes an event with a job in the ledger. One that says so fails the first
// time that a process gets it.
func event(_ context.Context, event []byte) ([]byte, error) {
	if !strings.Contains(string(event), `"job"`) {
		return nil, errors.ErrUnsupported
	}
	if err := note.Add(string(event)); err != nil {
		return nil, err
	}
	if strings.Contains(string(event), "always fail") || strings.Contains(string(event), "fail once") && failed.CompareAndSwap(false, true) {
		return nil, errors.New("as asked")
	}
	return []byte(`"done"`), nil
}

var failed atomic.Bool

// sigterm answers when the process gets SIGTERM. It logs when it begins to
// wait.
func sigterm(w http.ResponseWriter, _ *http.Request) {
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	defer signal.Stop(told)
	fmt.Fprintln(os.Stderr, "waiting")
	<-told
	fmt.Fprint(w, "told to end")
}

func echo(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Process", strconv.Itoa(os.Getpid()))
	w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
	io.Copy(w, r.Body)
}

// streamed sends as many events as asked for, one at a time.
func streamed(w http.ResponseWriter, r *http.Request) {
	n, _ := strconv.Atoi(r.URL.Query().Get("n"))
	w.Header().Set("Content-Type", "text/event-stream")
	for i := range n {
		fmt.Fprintf(w, "data: %d\n\n", i)
		w.(http.Flusher).Flush()
	}
	if r.URL.Query().Has("panic") {
		panic("as asked")
	}
}

func big(w http.ResponseWriter, r *http.Request) {
	n, _ := strconv.Atoi(r.URL.Query().Get("n"))
	w.Header().Set("Content-Type", "text/plain")
	io.WriteString(w, strings.Repeat("a", n))
}

// headers answers with headers that front ends treat specially, and with the
// headers of the request.
func headers(w http.ResponseWriter, r *http.Request) {
	w.Header()["Set-Cookie"] = []string{"a=1", "b=2"}
	w.Header().Set("WWW-Authenticate", "Bearer")
	w.Header().Set("X-Got", fmt.Sprintf("%q %q %q %q", r.Host, r.Header["Cookie"], r.Header["X-Tag"], r.URL.RawQuery))
	w.Header().Set("Content-Type", "image/png")
	w.Write([]byte{0x89, 0xff, 0})
}
