package bundle

import (
	"bytes"
	"fmt"
	"image/png"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/archive"
	"github.com/mcpengine/mcpengine/internal/manifest"
)

// maxIcon bounds an icon, in bytes.
const maxIcon = 1 << 20

// addIcons puts the pictures of the folder into the bundle. Those at URLs are left out:
// hosts show only what is in the bundle. Hosts with one place for a picture show the
// largest.
func (b *Bundle) addIcons(dir string, icons []manifest.Icon) error {
	largest := 0
	for _, one := range icons {
		if strings.Contains(one.Src, ":") {
			continue
		}
		data, width, height, err := readIcon(filepath.Join(dir, filepath.FromSlash(one.Src)))
		if err != nil {
			return hint("name a PNG file of at most 1 MiB, best of 512x512 pixels, in "+manifest.FileName, "icon: %w", err)
		}
		name := path.Join("icons", fmt.Sprintf("%d.png", len(b.manifest.Icons)+1))
		b.files = append(b.files, archive.File{Name: name, Mode: 0o644, Data: data})
		b.manifest.Icons = append(b.manifest.Icons, icon{name, fmt.Sprintf("%dx%d", width, height), one.Theme})
		if width > largest {
			largest, b.manifest.Icon = width, name
		}
	}
	return nil
}

// readIcon returns a picture and its size in pixels.
func readIcon(name string) (data []byte, width, height int, err error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, 0, 0, err
	}
	defer file.Close()
	if data, err = io.ReadAll(io.LimitReader(file, maxIcon+1)); err != nil {
		return nil, 0, 0, err
	}
	if len(data) > maxIcon {
		return nil, 0, 0, fmt.Errorf("%s has more than %d bytes", name, maxIcon)
	}
	config, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, 0, 0, fmt.Errorf("%s is not a PNG", name)
	}
	return data, config.Width, config.Height, nil
}
