package main

import (
	"fmt"
	"mime"
	"os"

	"github.com/mcpengine/mcpengine/internal/terminal"
	"github.com/mcpengine/mcpengine/mcp"
)

// output reports whether the answer is to be JSON.
func (c *cli) asJSON(output string) (bool, error) {
	switch output {
	case "json":
		return true, nil
	case "text":
		return false, nil
	case "":
		return !terminal.IsTerminal(c.stdout), nil
	}
	return false, usageError{fmt.Errorf(`--output %q is not "text" or "json"`, output)}
}

// printContent prints blocks for a person.
func (c *cli) printContent(blocks ...mcp.ContentBlock) error {
	for _, block := range blocks {
		var err error
		switch b := block.(type) {
		case mcp.TextContent:
			c.printText(b.Text)
		case mcp.ImageContent:
			err = c.saveFile(b.MIMEType, b.Data)
		case mcp.AudioContent:
			err = c.saveFile(b.MIMEType, b.Data)
		case mcp.EmbeddedResource:
			err = c.printContents(b.Resource)
		case mcp.ResourceLink:
			c.stdout.Printf("%s\n", terminal.Fold("resource: "+b.URI+" "+b.Description))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *cli) printContents(r mcp.ResourceContents) error {
	if r.Blob != nil {
		return c.saveFile(r.MIMEType, r.Blob)
	}
	c.printText(r.Text)
	return nil
}

func (c *cli) printText(s string) {
	c.stdout.Text(s)
}

// saveFile puts content that a terminal cannot show into a file that only the user
// can read, and prints its name. The name does not depend on the server.
func (c *cli) saveFile(mimeType string, data []byte) error {
	f, err := os.CreateTemp("", "mcpengine-*"+extension(mimeType))
	if err != nil {
		return fmt.Errorf("make a file for the answer: %w", err)
	}
	_, err = f.Write(data)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("write the answer to a file: %w", err)
	}
	c.stdout.Printf("%s, %d bytes: %s\n", mimeType, len(data), f.Name())
	return nil
}

// extension returns the usual extension of media types that are only shown or
// played. Other types get .bin, so that no program runs the file.
func extension(mimeType string) string {
	kind, _, _ := mime.ParseMediaType(mimeType)
	switch kind {
	case "image/png":
		return ".png"
	case "image/jpeg":
		return ".jpg"
	case "image/gif":
		return ".gif"
	case "image/webp":
		return ".webp"
	case "audio/wav", "audio/x-wav":
		return ".wav"
	case "audio/mpeg":
		return ".mp3"
	case "audio/ogg":
		return ".ogg"
	case "application/pdf":
		return ".pdf"
	case "application/json":
		return ".json"
	case "text/plain":
		return ".txt"
	}
	return ".bin"
}
