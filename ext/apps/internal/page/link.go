package page

import "strings"

// link writes a link, or the style sheet that it loads.
func (d *document) link(t token) {
	href := t.attr("href")
	rel := strings.Fields(lower(t.value("rel")))
	if href == nil {
		d.out.WriteString(t.text)
		return
	}
	ref := reference{d.name, href.line}
	sheet, icon := false, false
	for _, r := range rel {
		switch r {
		case "stylesheet":
			sheet = true
		case "icon", "apple-touch-icon", "mask-icon":
			icon = true
		case "preload", "modulepreload", "prefetch", "prerender", "manifest":
			d.fault(d.name, t.line, `<link rel=%q> cannot be inlined, and all else is: remove it`, r)
			return
		case "preconnect", "dns-prefetch":
			if _, err := d.resolve(ref, d.plain(href), Resource); err != nil {
				d.fault(d.name, href.line, "%w", err)
			}
		}
	}
	switch {
	case sheet:
		d.sheetFile(t, href)
	case icon:
		d.out.WriteString(rewrite(t, map[string]string{"href": d.data(ref, d.plain(href))}))
	default:
		d.out.WriteString(t.text)
	}
}

// sheetFile writes a style sheet that is in a file.
func (d *document) sheetFile(t token, href *attribute) {
	a, err := d.resolve(reference{d.name, href.line}, d.plain(href), Resource)
	if err == nil && a.keep {
		d.out.WriteString(t.text)
		return
	}
	if t.attr("disabled") != nil || t.attr("title") != nil {
		d.fault(d.name, t.line, "an alternative style sheet cannot be inlined: remove title and disabled")
		return
	}
	var css string
	if err == nil {
		css, err = d.read(a.file)
	}
	if err != nil {
		d.fault(d.name, href.line, "%w", err)
		return
	}
	css = d.styleSheet(reference{a.file, 1}, css)
	d.out.WriteString("<style")
	for _, name := range []string{"media", "id", "nonce"} {
		if a := t.attr(name); a != nil {
			d.out.WriteString(" " + a.text)
		}
	}
	d.out.WriteString(">" + css + "</style>")
}
