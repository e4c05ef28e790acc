package plot

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// The axis begins at zero, and the length of a bar is in proportion to its figure.
func TestSVG(t *testing.T) {
	t.Parallel()
	c := Chart{Title: "a call", Unit: "CPU µs", Bars: []Bar{{"ours", 20}, {"a <peer>", 40}}}
	text := c.SVG()
	var lengths []float64
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the chart is not XML: %v\n%s", err, text)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "rect" {
			var w float64
			for _, a := range e.Attr {
				if a.Name.Local == "width" {
					if _, err := fmt.Sscan(a.Value, &w); err != nil {
						t.Fatal(err)
					}
				}
			}
			lengths = append(lengths, w)
		}
	}
	if len(lengths) != 2 || lengths[0] <= 0 || lengths[1] != 2*lengths[0] {
		t.Errorf("the bars are %v long, want the second twice as long", lengths)
	}
	if !strings.Contains(text, `aria-label="a call, CPU µs: ours 20, a &lt;peer&gt; 40"`) {
		t.Errorf("the description is missing: %s", text)
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{0: "0", 21.6: "21.6", 1834.7: "1,835", 532792: "532,792", 0.25: "0.25", 2: "2", 0.00001667: "0.0000167", 1234567: "1,234,567"} {
		if got := number(v); got != want {
			t.Errorf("number(%v) = %s, want %s", v, got, want)
		}
	}
}

func TestTick(t *testing.T) {
	t.Parallel()
	for most, want := range map[float64]float64{0: 1, 10: 2, 45: 10, 60: 10, 1834: 500, 0.9: 0.2, 7: 2} {
		if got := tick(most); got < want*0.999 || got > want*1.001 {
			t.Errorf("tick(%v) = %v, want %v", most, got, want)
		}
	}
}
