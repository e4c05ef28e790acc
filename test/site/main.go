// Command site builds the documentation site:
//
//	go run ./site             # into bin/site, with every link checked
//	go run ./site -serve      # and serves it at http://localhost:1313
//
// The pages are Markdown files of the repository, each listed once in
// docs/site/nav.json, and pages made from the code. Hugo renders them. Chromium
// draws the diagrams, so that readers need no script for them.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

func main() {
	serve := flag.Bool("serve", false, "serve the site when it is built")
	address := flag.String("address", "localhost:1313", "where to serve it")
	flag.Parse()
	if err := run(context.Background(), *serve, *address); err != nil {
		fmt.Fprintln(os.Stderr, "site: error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, serve bool, address string) error {
	root, err := repository()
	if err != nil {
		return err
	}
	out := filepath.Join(root, "bin", "site")
	pages, err := build(ctx, root, out)
	if err != nil {
		return err
	}
	fmt.Printf("site: %d pages in %s\n", pages, out)
	if !serve {
		return nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	fmt.Printf("site: http://%s\n", listener.Addr())
	server := http.Server{Handler: http.FileServer(http.Dir(out)), ReadHeaderTimeout: time.Minute}
	return server.Serve(listener)
}

// build assembles the sources, renders them, and checks and indexes the result.
// It returns the number of pages.
func build(ctx context.Context, root, out string) (int, error) {
	source := filepath.Join(root, "bin", "site-source")
	for _, dir := range []string{source, out} {
		if err := os.RemoveAll(dir); err != nil {
			return 0, err
		}
	}
	if err := os.CopyFS(source, os.DirFS(filepath.Join(root, "docs", "site"))); err != nil {
		return 0, err
	}
	s, err := readSite(ctx, root, allMakers)
	if err != nil {
		return 0, err
	}
	if err := s.write(ctx, source); err != nil {
		return 0, err
	}
	hugo := exec.CommandContext(ctx, filepath.Join(root, ".tools", "site", "hugo"), "--quiet", "--panicOnWarning", "--source", source, "--destination", out)
	hugo.Stdout, hugo.Stderr = os.Stderr, os.Stderr
	if err := hugo.Run(); err != nil {
		return 0, fmt.Errorf("hugo: %w (make site installs it)", err)
	}
	return finish(out)
}

// repository returns the root folder of the repository that contains this module.
func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, navFile)); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("%s is in no folder above this one", navFile)
		}
		dir = filepath.Dir(dir)
	}
}
