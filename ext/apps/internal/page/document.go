package page

import (
	"errors"
	"html"
	"slices"
	"strings"
)

// document writes the document that a source is.
func (b *builder) document(source, name string) {
	z := &tokenizer{in: source, line: 1}
	d := &document{builder: b, name: name}
	for {
		t, ok, err := z.next()
		if syntax := (*syntaxError)(nil); errors.As(err, &syntax) {
			b.fault(name, syntax.line, "%w", err)
			return // what follows cannot be told apart
		}
		if !ok {
			break
		}
		d.token(t)
		if b.out.Len() > MaxSize {
			return // Inline reports it
		}
	}
	if !d.begun {
		b.fault(name, 1, "it is empty: a view needs an HTML document")
	}
	d.flush()
}

// A document is the HTML file of a page, as far as it is read.
type document struct {
	*builder
	name  string
	begun bool   // something other than space and comments was there
	raw   string // the element whose content comes next
	drop  bool   // the content and the end tag of a script that is inlined

	templates int // how many are open
}

func (d *document) token(t token) {
	if !d.begun {
		d.begin(t)
	}
	switch t.kind {
	case startToken:
		d.start(t)
	case endToken:
		d.end(t)
	case rawToken:
		d.content(t)
	default:
		d.out.WriteString(t.text)
	}
}

// begin demands the doctype, without which browsers render in quirks mode.
func (d *document) begin(t token) {
	if t.kind == commentToken || strings.Trim(t.text, " \t\n\f\r") == "" {
		return
	}
	d.begun = true
	if t.kind != doctypeToken || lower(strings.Join(strings.Fields(t.text), " ")) != "<!doctype html>" {
		d.fault(d.name, t.line, "an HTML document begins with <!doctype html>")
	}
}

// end writes an end tag. The deferred scripts come before the end tag of the
// body.
func (d *document) end(t token) {
	if d.drop {
		d.drop = false
		return
	}
	switch {
	case t.name == "template":
		d.templates = max(d.templates-1, 0)
	case t.name == "body" && d.templates == 0: // scripts in a template do not run
		d.flush()
	}
	d.out.WriteString(t.text)
}

// flush writes the deferred scripts.
func (d *document) flush() {
	for _, script := range d.deferred {
		d.out.WriteString(script)
	}
	d.deferred = nil
}

// content writes the content of a raw element.
func (d *document) content(t token) {
	switch ref := (reference{d.name, t.line}); {
	case d.drop:
		if strings.Trim(t.text, " \t\n\f\r") != "" {
			d.fault(d.name, t.line, "a script with src has no content of its own")
		}
	case d.raw == "style":
		d.out.WriteString(d.styleSheet(ref, t.text))
	case d.raw == "script":
		d.imports(ref, t.text)
		d.out.WriteString(t.text)
	default:
		d.out.WriteString(t.text)
	}
}

// start writes a start tag.
func (d *document) start(t token) {
	d.raw = ""
	switch t.name {
	case "script":
		d.script(t)
		return
	case "link":
		d.link(t)
		return
	case "style":
		d.raw = "style"
	case "template":
		d.templates++
	case "meta":
		d.meta(t)
	case "base":
		if t.attr("href") != nil {
			d.fault(d.name, t.line, "<base href> would change what every address means: write the addresses in full")
		}
	case "iframe", "frame":
		d.frame(t)
	case "embed", "object", "applet", "portal", "fencedframe":
		d.fault(d.name, t.line, "<%s> is blocked in every view", t.name)
	}
	d.out.WriteString(d.inlineTag(t))
}

func (d *document) meta(t token) {
	if strings.EqualFold(t.value("http-equiv"), "refresh") {
		d.fault(d.name, t.line, "a view cannot go to another page: remove the refresh")
	}
}

func (d *document) frame(t token) {
	if t.attr("srcdoc") != nil {
		d.fault(d.name, t.line, "srcdoc is a document that is not looked into: make it part of this one")
	}
	a := t.attr("src")
	if a == nil {
		return
	}
	switch to, err := d.resolve(reference{d.name, a.line}, d.plain(a), Frame); {
	case err != nil:
		d.fault(d.name, a.line, "%w", err)
	case !to.keep:
		d.fault(d.name, a.line, "%s cannot be inlined: a frame needs a document at an address of its own", a.value)
	}
}

// images are the attributes that hold the address of a file that is inlined.
var images = map[string][]string{
	"audio":   {"src"},
	"body":    {"background"},
	"feimage": {"href", "xlink:href"},
	"image":   {"href", "xlink:href", "src"}, // outside of <svg> it is an img
	"img":     {"src"},
	"input":   {"src"},
	"source":  {"src"},
	"table":   {"background"},
	"td":      {"background"},
	"th":      {"background"},
	"track":   {"src"},
	"video":   {"src", "poster"},
}

// inlineTag returns a start tag with the files that its attributes load.
func (d *document) inlineTag(t token) string {
	edits := map[string]string{}
	for _, name := range images[t.name] {
		if a := t.attr(name); a != nil {
			edits[name] = d.data(reference{d.name, a.line}, d.plain(a))
		}
	}
	if a := t.attr("srcset"); a != nil && (t.name == "img" || t.name == "image" || t.name == "source") {
		edits["srcset"] = d.srcset(reference{d.name, a.line}, d.plain(a))
	}
	if a := t.attr("style"); a != nil {
		edits["style"] = d.styleSheet(reference{d.name, a.line}, d.plain(a))
	}
	d.fragments(t)
	return rewrite(t, edits)
}

// fragments refuses the addresses of SVG that lead out of the document.
func (d *document) fragments(t token) {
	switch t.name {
	case "a", "area", "link", "base", "image", "feimage":
		return
	}
	for _, name := range []string{"href", "xlink:href"} {
		a := t.attr(name)
		if a != nil && !strings.HasPrefix(d.plain(a), "#") {
			d.fault(d.name, a.line, "<%s> cannot load %q in a view: put it into the document and write \"#\" and its id", t.name, a.value)
		}
	}
}

// plain returns the value of an attribute that the page depends on. It refuses
// character references that an attribute reads differently from a text.
func (d *document) plain(a *attribute) string {
	if !a.decoded {
		return a.value
	}
	for rest := a.text; ; {
		_, after, found := strings.Cut(rest, "&")
		if !found {
			return a.value
		}
		n := 0
		for n < len(after) && (isLetter(after[n]) || '0' <= after[n] && after[n] <= '9' || after[n] == '#') {
			n++
		}
		if n > 0 && !strings.HasPrefix(after[n:], ";") {
			d.fault(d.name, a.line, `%s has "&%s" without ";": write "&amp;" for an ampersand`, a.name, after[:n])
			return a.value
		}
		rest = after[n:]
	}
}

// rewrite returns a start tag with other values of some attributes and without
// others; the rest is as it was written.
func rewrite(t token, values map[string]string, drop ...string) string {
	var b strings.Builder
	at := 0
	for _, a := range t.attrs {
		b.WriteString(t.text[at:a.start])
		at = a.start + len(a.text)
		value, edited := values[a.name]
		switch {
		case slices.Contains(drop, a.name):
		case edited && value != a.value:
			b.WriteString(a.name + `="` + html.EscapeString(value) + `"`)
		default:
			b.WriteString(a.text)
		}
	}
	b.WriteString(t.text[at:])
	return b.String()
}
