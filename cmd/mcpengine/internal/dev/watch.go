package dev

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// quiet is the time without changes after which a save counts as complete: an
	// editor writes a file in several steps, and git writes many files.
	quiet = 30 * time.Millisecond

	// maxBurst is when a save counts as complete although changes go on.
	maxBurst = 300 * time.Millisecond
)

// ignoredFolders hold files that programs write and people do not edit.
var ignoredFolders = []string{"node_modules", "__pycache__", "venv", "target", "dist"}

// isIgnored reports whether changes of a file or folder of that name do not count:
// it is hidden, build output, or a temporary file of an editor or a database.
func isIgnored(name string) bool {
	switch {
	case strings.HasPrefix(name, "."), strings.HasSuffix(name, "~"), name == "4913", // of Vim
		strings.HasPrefix(name, "#") && strings.HasSuffix(name, "#"):
		return true
	}
	switch filepath.Ext(name) {
	case ".swp", ".swx", ".tmp", ".log", ".db", ".db-wal", ".db-shm", ".db-journal", ".sqlite", ".pyc":
		return true
	}
	return slices.Contains(ignoredFolders, name)
}

// A watcher tells when files below folders have been saved.
type watcher struct {
	notify *fsnotify.Watcher
	roots  []string
	saved  chan struct{} // holds one token
	failed chan error
}

// watch watches the folders, and everything below them, until ctx ends.
func watch(ctx context.Context, roots []string) (*watcher, error) {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch files: %w", err)
	}
	w := &watcher{notify: notify, roots: roots, saved: make(chan struct{}, 1), failed: make(chan error, 1)}
	for _, root := range roots {
		if err := w.add(root); err != nil {
			notify.Close()
			return nil, fmt.Errorf("watch %s: %w", root, err)
		}
	}
	go w.run(ctx)
	return w, nil
}

// add watches a folder and those below it.
func (w *watcher) add(folder string) error {
	return filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil && path != folder:
			return nil //nolint:nilerr // it has gone in the meantime, or is not ours to read
		case err != nil:
			return err
		case !entry.IsDir():
			return nil
		case isIgnored(entry.Name()) && !slices.Contains(w.roots, path):
			return fs.SkipDir
		}
		return w.notify.Add(path)
	})
}

// run turns bursts of events into saves.
func (w *watcher) run(ctx context.Context) {
	defer w.notify.Close()
	var calm, latest <-chan time.Time
	for {
		select {
		case e, ok := <-w.notify.Events:
			if !ok {
				return
			}
			if !w.counts(e) {
				continue
			}
			calm = time.After(quiet)
			if latest == nil {
				latest = time.After(maxBurst)
			}
		case err := <-w.notify.Errors:
			if errors.Is(err, fsnotify.ErrEventOverflow) {
				calm = time.After(quiet) // events were lost: anything may have changed
				continue
			}
			select {
			case w.failed <- err:
			default:
			}
		case <-calm:
			calm, latest = nil, nil
			w.save()
		case <-latest:
			calm, latest = nil, nil
			w.save()
		case <-ctx.Done():
			return
		}
	}
}

func (w *watcher) save() {
	select {
	case w.saved <- struct{}{}:
	default: // the last one has not been seen yet
	}
}

// counts reports whether an event is a save. A new folder is watched from now on.
func (w *watcher) counts(e fsnotify.Event) bool {
	if isIgnored(filepath.Base(e.Name)) || e.Op == fsnotify.Chmod {
		return false
	}
	if e.Has(fsnotify.Create) {
		_ = w.add(e.Name) // a file, or a folder that has gone again, needs no watch
	}
	return true
}
