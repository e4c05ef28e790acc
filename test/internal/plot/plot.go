// Package plot draws bar charts as SVG. The axis begins at zero.
package plot

import (
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
)

// Figures are what one run of the benchmarks has measured, as the site shows it.
type Figures struct {
	Date       string  `json:"date"` // of the run
	Go         string  `json:"go"`
	Platform   string  `json:"platform"`
	Processors int     `json:"processors"`
	Charts     []Chart `json:"charts"`
}

// A Chart compares one figure of several programs.
type Chart struct {
	Title   string `json:"title"`
	Unit    string `json:"unit"`
	Command string `json:"command"` // measures it again
	Bars    []Bar  `json:"bars"`
}

// A Bar is the figure of one program. Less is better.
type Bar struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
}

const (
	width    = 720
	left     = 150 // of it for names
	right    = 90  // of it for figures
	rowPitch = 30
	barSize  = 18
	top      = 34
)

// SVG draws the chart. Text has the colour of the page that it is on. The first bar
// has the colour --accent of the page.
func (c Chart) SVG() string {
	most := 0.0
	for _, b := range c.Bars {
		most = math.Max(most, b.Value)
	}
	step := tick(most)
	end := math.Max(step, step*math.Ceil(most/step))
	x := func(v float64) float64 { return left + v/end*(width-left-right) }
	bottom := top + rowPitch*len(c.Bars)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s" font-family="system-ui, sans-serif" font-size="13" fill="currentColor">`,
		width, bottom+26, html.EscapeString(c.describe()))
	fmt.Fprintf(&b, `<text x="0" y="16" font-weight="600">%s, %s</text>`, html.EscapeString(c.Title), html.EscapeString(c.Unit))
	for v := 0.0; v <= end+step/2; v += step {
		fmt.Fprintf(&b, `<path d="M%.1f %dV%d" stroke="currentColor" stroke-opacity="%s"/>`, x(v), top-6, bottom, opacity(v))
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle" font-size="11" fill-opacity=".7">%s</text>`, x(v), bottom+16, number(v))
	}
	for i, bar := range c.Bars {
		y := top + rowPitch*i
		fill := `fill="currentColor" fill-opacity=".35"`
		if i == 0 {
			fill = `fill="var(--accent, #0b7a75)"`
		}
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text>`, left-10, y+14, html.EscapeString(bar.Name))
		fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%.1f" height="%d" %s/>`, left, y, x(bar.Value)-left, barSize, fill)
		fmt.Fprintf(&b, `<text x="%.1f" y="%d">%s</text>`, x(bar.Value)+6, y+14, number(bar.Value))
	}
	b.WriteString("</svg>")
	return b.String()
}

func opacity(v float64) string {
	if v == 0 {
		return ".6"
	}
	return ".15"
}

// describe says in words what the chart shows.
func (c Chart) describe() string {
	parts := make([]string, 0, len(c.Bars))
	for _, b := range c.Bars {
		parts = append(parts, b.Name+" "+number(b.Value))
	}
	return c.Title + ", " + c.Unit + ": " + strings.Join(parts, ", ")
}

// tick is the distance of the lines of an axis up to most: 1, 2 or 5 times a power of
// ten, so that there are three to six of them.
func tick(most float64) float64 {
	if most <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(most)))
	for _, m := range []float64{0.2, 0.5, 1, 2} {
		if most/(m*power) <= 6 {
			return m * power
		}
	}
	return 5 * power
}

// number writes a figure with three digits that count, and thousands apart.
func number(v float64) string {
	digits := 0
	if v != 0 && math.Abs(v) < 100 && v != math.Trunc(v) {
		digits = max(0, 2-int(math.Floor(math.Log10(math.Abs(v)))))
	}
	text := strconv.FormatFloat(v, 'f', digits, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	whole, fraction, point := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if point {
		return whole + "." + fraction
	}
	return whole
}
