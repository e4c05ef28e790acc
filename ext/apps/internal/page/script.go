package page

import (
	"slices"
	"strings"
)

// scriptTypes are the types of scripts that a browser runs. With any other type
// the element holds data.
var scriptTypes = []string{
	"", "module", "text/javascript", "application/javascript", "text/ecmascript", "application/ecmascript",
}

// script writes the start tag of a script, or the whole script if it is in a
// file.
func (d *document) script(t token) {
	kind := lower(strings.TrimSpace(t.value("type")))
	src := t.attr("src")
	if t.attr("href") != nil || t.attr("xlink:href") != nil {
		d.fault(d.name, t.line, "a script of <svg> cannot be inlined: put <script src> outside of it")
	}
	switch {
	case kind == "importmap" || kind == "speculationrules":
		d.fault(d.name, t.line, "a script of type %s is not looked into: write full addresses where they are used", kind)
	case !slices.Contains(scriptTypes, kind):
		if src != nil {
			d.fault(d.name, src.line, "browsers load no script of type %q: remove src", kind)
		}
	case src != nil:
		d.scriptFile(t, src, kind == "module")
		return
	default:
		d.raw = "script"
	}
	d.out.WriteString(t.text)
}

// scriptFile writes a script that has a src. A file that would have run after
// the document was read goes to the end of the body, because defer means
// nothing for a script that is inlined.
func (d *document) scriptFile(t token, src *attribute, module bool) {
	ref := reference{d.name, src.line}
	a, err := d.resolve(ref, d.plain(src), Resource)
	if err == nil && a.keep {
		d.out.WriteString(t.text)
		return
	}
	d.drop = true
	var code string
	if err == nil {
		code, err = d.read(a.file)
	}
	if err != nil {
		d.fault(d.name, src.line, "%w", err)
		return
	}
	d.imports(reference{a.file, 1}, code)
	drop := []string{"src", "defer", "integrity", "crossorigin", "referrerpolicy", "fetchpriority", "charset", "blocking"}
	if !module {
		drop = append(drop, "async")
	}
	script := rewrite(t, nil, drop...) + escapeScript(code) + "</script>"
	if !module && d.templates == 0 && (t.attr("defer") != nil || t.attr("async") != nil) {
		d.deferred = append(d.deferred, script)
		return
	}
	d.out.WriteString(script)
}

// escapeScript keeps a script from ending early: in strings, templates and
// regular expressions, where these characters stand, "\x3C" is "<" (HTML,
// "Restrictions for contents of script elements").
func escapeScript(code string) string {
	code = strings.ReplaceAll(code, "<!--", `\x3C!--`)
	for {
		i := endTagIndex(code, "script")
		if i < 0 {
			break
		}
		code = code[:i] + `\x3C` + code[i+1:]
	}
	// At the end of the code the tag would be completed by our own.
	if n := len(code) - len("</script"); n >= 0 && lower(code[n:]) == "</script" {
		code = code[:n] + `\x3C` + code[n+1:]
	}
	return code
}

// imports reports the modules that a script loads and that no browser would
// find: a view has no address that a relative one could be joined with.
func (b *builder) imports(ref reference, code string) {
	for _, module := range importsOf(code) {
		at := reference{ref.file, ref.line + module.line}
		a, err := b.resolve(at, module.specifier, Resource)
		switch {
		case err != nil:
			b.fault(at.file, at.line, "import: %w", err)
		case !a.keep:
			b.fault(at.file, at.line, "import: %q cannot be inlined: bundle the modules into one file, or load each with <script src>", module.specifier)
		}
	}
}

// An imported is a module that a script names.
type imported struct {
	specifier string
	line      int // after the first line
}

// importsOf returns the modules that the import and export declarations and the
// calls of import with a string name. It is not a parser: it tells code from
// comments, strings, templates and regular expressions, and stops where it
// cannot.
func importsOf(code string) []imported {
	var found []imported
	s := &scriptScanner{in: code}
	from := false // an import or export declaration may go on with: from "…"
	word := ""    // the word before
	for {
		kind, text := s.next()
		switch {
		case kind == scriptEnd:
			return found
		case kind == scriptString && (word == "import" || word == "import(" || from && word == "from"):
			found = append(found, imported{text, strings.Count(code[:s.start], "\n")})
			from = false
		case kind == scriptString, kind == scriptOther && text == ";":
			from = false
		case kind == scriptWord && word == ".":
			text = "" // a member may have any name
		case kind == scriptWord && (text == "import" || text == "export"):
			from = true
		}
		if kind == scriptOther && text == "(" && word == "import" {
			text = "import("
		}
		if kind == scriptString {
			text = ""
		}
		word = text
	}
}

type scriptKind int

const (
	scriptEnd scriptKind = iota
	scriptWord
	scriptString
	scriptOther // a character of punctuation, a template or a regular expression
)

// A scriptScanner splits a script into words, strings and the rest.
type scriptScanner struct {
	in        string
	at, start int
	operand   bool  // what came last ends an operand, so that "/" divides
	templates []int // for each open "${": how many "{" are open in it
}

func (s *scriptScanner) next() (scriptKind, string) {
	if !s.skip() {
		return scriptEnd, ""
	}
	s.start = s.at
	c := s.in[s.at]
	switch {
	case c == '"' || c == '\'':
		end := s.literal(s.at+1, c)
		if end < 0 {
			return scriptEnd, ""
		}
		text := s.in[s.at+1 : end]
		s.at, s.operand = end+1, true
		return scriptString, text
	case c == '`':
		s.at++
		return s.template()
	case isWord(c):
		for s.at < len(s.in) && isWord(s.in[s.at]) {
			s.at++
		}
		word := s.in[s.start:s.at]
		s.operand = !slices.Contains(beforeOperand, word)
		return scriptWord, word
	case c == '/' && !s.operand:
		return s.regexp()
	}
	return s.punctuation(c)
}

// beforeOperand are the words after which "/" begins a regular expression.
var beforeOperand = []string{
	"return", "typeof", "case", "do", "else", "in", "of", "instanceof", "new", "void", "delete", "throw", "await", "yield",
}

func (s *scriptScanner) punctuation(c byte) (scriptKind, string) {
	s.at++
	s.operand = c == ')' || c == ']' || c == '}'
	if n := len(s.templates); n > 0 {
		switch {
		case c == '{':
			s.templates[n-1]++
		case c == '}' && s.templates[n-1] > 0:
			s.templates[n-1]--
		case c == '}':
			s.templates = s.templates[:n-1]
			return s.template()
		}
	}
	return scriptOther, string(c)
}

// skip skips white space and comments. It returns false at the end.
func (s *scriptScanner) skip() bool {
	for s.at < len(s.in) {
		rest := s.in[s.at:]
		switch {
		case strings.IndexByte(" \t\n\r\f\v", rest[0]) >= 0:
			s.at++
			continue
		case strings.HasPrefix(rest, "//"):
			i := strings.IndexByte(rest, '\n')
			if i < 0 {
				return false
			}
			s.at += i
			continue
		case strings.HasPrefix(rest, "/*"):
			i := strings.Index(rest[2:], "*/")
			if i < 0 {
				return false
			}
			s.at += i + 4
			continue
		}
		return true
	}
	return false
}

// literal returns the index of the character that ends a literal, or -1.
func (s *scriptScanner) literal(from int, end byte) int {
	for i := from; i < len(s.in); i++ {
		switch s.in[i] {
		case '\\':
			i++
		case end:
			return i
		case '\n':
			if end != '`' {
				return -1
			}
		}
	}
	return -1
}

// template skips the text of a template, up to its end or the next "${".
func (s *scriptScanner) template() (scriptKind, string) {
	for s.at < len(s.in) {
		switch c := s.in[s.at]; {
		case c == '\\':
			s.at++
		case c == '`':
			s.at++
			s.operand = true
			return scriptOther, "`"
		case strings.HasPrefix(s.in[s.at:], "${"):
			s.at += 2
			s.templates = append(s.templates, 0)
			s.operand = false
			return scriptOther, "${"
		}
		s.at++
	}
	return scriptEnd, ""
}

func (s *scriptScanner) regexp() (scriptKind, string) {
	class := false
	for i := s.at + 1; i < len(s.in); i++ {
		switch c := s.in[i]; {
		case c == '\\':
			i++
		case c == '[':
			class = true
		case c == ']':
			class = false
		case c == '\n':
			return scriptEnd, ""
		case c == '/' && !class:
			s.at, s.operand = i+1, true
			return scriptOther, "/"
		}
	}
	return scriptEnd, ""
}

func isWord(c byte) bool {
	return isLetter(c) || '0' <= c && c <= '9' || c == '_' || c == '$' || c >= 0x80
}
