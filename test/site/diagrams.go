package main

import (
	"context"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// drawDiagrams replaces the diagrams of Mermaid in the pages by pictures, one for
// light pages and one for dark ones. The script runs in Chromium, now, and not at
// the readers'.
func (s *site) drawDiagrams(ctx context.Context) error {
	var diagrams []string
	for p := range s.pages() {
		for _, b := range blocks(p.text) {
			if b.language == "mermaid" {
				diagrams = append(diagrams, b.code)
			}
		}
	}
	drawn, err := draw(ctx, s.root, diagrams)
	if err != nil {
		return fmt.Errorf("draw the diagrams: %w", err)
	}
	next := 0
	for p := range s.pages() {
		var out strings.Builder
		walk(p.text, func(line string) { out.WriteString(line) }, func(b block, raw string) {
			if b.language != "mermaid" {
				out.WriteString(raw)
				return
			}
			out.WriteString(drawn[next])
			next++
		})
		p.text = out.String()
	}
	return nil
}

var drawing = regexp.MustCompile(`(?s)<figure data-theme="(light|dark)">(.*?)</figure>`)

// draw returns the markup of each diagram.
func draw(ctx context.Context, root string, diagrams []string) ([]string, error) {
	if len(diagrams) == 0 {
		return nil, nil
	}
	dir, err := os.MkdirTemp("", "site-diagrams-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	page := filepath.Join(dir, "diagrams.html")
	if err := os.WriteFile(page, []byte(drawingPage(root, diagrams)), 0o600); err != nil {
		return nil, err
	}
	browser, err := chromium()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", //nolint:gosec // a browser of the machine
		"--user-data-dir="+filepath.Join(dir, "profile"), "--virtual-time-budget=60000", "--dump-dom", "file://"+page)
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", browser, err)
	}
	found := drawing.FindAllStringSubmatch(string(out), -1)
	if len(found) != 2*len(diagrams) {
		return nil, fmt.Errorf("the browser drew %d of %d pictures:\n%s", len(found), 2*len(diagrams), tail(string(out)))
	}
	var drawn []string
	for i := range diagrams {
		light, dark := found[2*i][2], found[2*i+1][2]
		// A blank line ends a block of HTML in Markdown.
		drawn = append(drawn, strings.ReplaceAll("<div class=\"diagram\"><div class=\"for-light\">"+light+
			"</div><div class=\"for-dark\">"+dark+"</div></div>", "\n", " ")+"\n")
	}
	return drawn, nil
}

func drawingPage(root string, diagrams []string) string {
	var b strings.Builder
	b.WriteString("<!doctype html><meta charset=utf-8><script src=\"file://" + filepath.Join(root, ".tools", "site", "mermaid.min.js") + "\"></script><body style=\"width:900px\">")
	for i, d := range diagrams {
		for _, theme := range []string{"light", "dark"} {
			fmt.Fprintf(&b, "<script type=\"text/plain\" class=\"diagram\" data-id=\"diagram-%d-%s\" data-theme=\"%s\">%s</script>", i, theme, theme, html.EscapeString(d))
		}
	}
	b.WriteString(`<script>(async () => {
		const text = (s) => new DOMParser().parseFromString(s, "text/html").documentElement.textContent;
		for (const d of document.querySelectorAll(".diagram")) {
			const dark = d.dataset.theme === "dark";
			const figure = document.createElement("figure");
			try {
				mermaid.initialize({startOnLoad: false, theme: dark ? "dark" : "neutral", fontFamily: "system-ui, sans-serif", htmlLabels: false,
					securityLevel: "strict", flowchart: {htmlLabels: false}, sequence: {mirrorActors: false}, deterministicIds: true});
				const {svg} = await mermaid.render(d.dataset.id, text(d.textContent));
				figure.innerHTML = svg;
				figure.dataset.theme = d.dataset.theme;
			} catch (e) { figure.textContent = String(e); }
			document.body.append(figure);
		}
	})();</script>`)
	return b.String()
}

func chromium() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			return found, nil
		}
	}
	return "", fmt.Errorf("no Chromium: scripts/install-apps installs it")
}

func tail(s string) string { return s[max(0, len(s)-2000):] }
