package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// buildBinaries builds the minimal weather server of every rival the way it
// would be deployed and returns their sizes. It has to run inside this module.
func buildBinaries(ctx context.Context) (binaries []binary, err error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, fmt.Errorf("create build folder: %w", err)
	}
	defer os.RemoveAll(dir)
	for _, name := range []string{"ours", "ours-run", "plain", "go-sdk", "mcp-go"} {
		file := filepath.Join(dir, name)
		command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", file,
			"github.com/mcpengine/mcpengine/test/bench/size/"+name)
		command.Env = append(os.Environ(), "CGO_ENABLED=0")
		if output, err := command.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build %s: %w: %s", name, err, output)
		}
		info, err := os.Stat(file)
		if err != nil {
			return nil, fmt.Errorf("measure %s: %w", name, err)
		}
		binaries = append(binaries, binary{name, info.Size()})
	}
	return binaries, nil
}
