package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/mcpengine/mcpengine/internal/terminal"
	"github.com/mcpengine/mcpengine/mcp"
)

// A page is opened with consent alone, after all of its URL was shown.
func TestElicitURL(t *testing.T) {
	t.Parallel()
	const page = "https://pay.example.com/42"
	tests := []struct {
		name, url, answer string
		fails             bool
		want              mcp.ElicitAction
		opened            bool
		shown             string
	}{
		{name: "yes", url: page, answer: "y\n", want: mcp.ElicitActionAccept, opened: true, shown: "  page: " + page + "\n  at:   pay.example.com\n"},
		{name: "yes without a browser", url: page, answer: "YES\n", fails: true, want: mcp.ElicitActionAccept, opened: true, shown: "It could not be opened (no browser): open it yourself\n"},
		{name: "no", url: page, answer: "n\n", want: mcp.ElicitActionDecline, shown: "[y/N] "},
		{name: "nothing", url: page, answer: "\n", want: mcp.ElicitActionDecline},
		{name: "the end", url: page, answer: "", want: mcp.ElicitActionCancel},
		{name: "no URL", url: "pay.example.com", answer: "y\n", want: mcp.ElicitActionDecline, shown: "not a URL"},
		{name: "controls", url: "https://a.example/\u202e", answer: "n\n", want: mcp.ElicitActionDecline, shown: "https://a.example/%E2%80%AE"},
		{name: "a file", url: "file://host/etc/passwd", answer: "y\n", want: mcp.ElicitActionDecline, shown: "not a URL"},
		{name: "a name that looks like another", url: "https://аpple.com:8443/", answer: "n\n", want: mcp.ElicitActionDecline, shown: "  page: https://xn--pple-43d.com:8443/\n  at:   xn--pple-43d.com:8443 (аpple.com)\n"},
		{name: "a name behind another", url: "https://apple.com@evil.example/", answer: "n\n", want: mcp.ElicitActionDecline, shown: "  at:   evil.example\n"},
		{name: "wide letters", url: "https://ａpple.com/", answer: "n\n", want: mcp.ElicitActionDecline, shown: "  at:   apple.com\n"},
		{name: "an address", url: "http://[::1]:80/", answer: "n\n", want: mcp.ElicitActionDecline, shown: "  page: http://[::1]:80/\n  at:   [::1]:80\n"},
		{name: "a percent sign in a host", url: "http://[fe80::1%25e\u202en0]/", answer: "n\n", want: mcp.ElicitActionDecline, shown: `\u202e`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var shown bytes.Buffer
			opened := ""
			a := newAsker(&cli{stdin: strings.NewReader(test.answer), stderr: terminal.New(&shown)}, &progressBar{}, true, func(_ context.Context, target string) error {
				opened = target
				if test.fails {
					return errors.New("no browser")
				}
				return nil
			})
			got, err := a.url(t.Context(), mcp.ElicitRequestURLParams{Message: "Please pay.", URL: test.url})
			if err != nil || got.Action != test.want || (opened != "") != test.opened || !strings.Contains(shown.String(), test.shown) {
				t.Errorf("%s, %v, opened %q, shown %q", got.Action, err, opened, &shown)
			}
		})
	}
}

// A form can be left at any time, and is sent only with consent.
func TestElicitForm(t *testing.T) {
	t.Parallel()
	const form = `{"properties":{"a":{"type":"string"},"b":{"type":"integer","default":7}},"required":["a"]}`
	for answers, want := range map[string]string{
		"x\n\ny\n":    `accept {"a":"x","b":7}`,
		"\nx\n8\ny\n": `accept {"a":"x","b":8}`,
		"x\n\nn\n":    "decline ",
		"x\n\n\n":     "decline ",
		"x\n\n":       "cancel ",
		"x\n":         "cancel ",
		"":            "cancel ",
	} {
		var shown bytes.Buffer
		a := newAsker(&cli{stdin: strings.NewReader(answers), stderr: terminal.New(&shown)}, &progressBar{}, true, nil)
		got, err := a.form(t.Context(), mcp.ElicitRequestFormParams{Message: "Who?", RequestedSchema: []byte(form)})
		if err != nil || string(got.Action)+" "+string(got.Content) != want {
			t.Errorf("%q: %s %s, %v; want %s", answers, got.Action, got.Content, err, want)
		}
	}
}

// Nobody sits at a file, a pipe or nowhere.
func TestIsTerminal(t *testing.T) {
	t.Parallel()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if terminal.IsTerminal(null) || terminal.IsTerminal(&bytes.Buffer{}) {
		t.Error("is a terminal")
	}
}
