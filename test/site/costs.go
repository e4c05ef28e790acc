package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const costsFile = "docs/costs.json"

// costs are prices, servers, and numbers of calls in a month.
type costs struct {
	Read, Region, Note string
	Prices             []struct {
		Key, What, Per, Source string
		USD                    float64
	}
	Servers []deployment
	Calls   []float64
}

// A deployment is a server as it runs: what a call takes, and what is paid for without
// any call.
type deployment struct {
	Name, What   string
	MemoryMB     float64
	Milliseconds float64 // of a call, as billed
	AnswerBytes  float64
	LogBytes     float64

	Hourly  map[string]float64 // how many, by the key of a price
	Monthly map[string]float64
}

const hoursInMonth = 730

func (c *costs) price(key string) float64 {
	for _, p := range c.Prices {
		if p.Key == key {
			return p.USD
		}
	}
	return 0
}

// perMillion returns what a million calls cost.
func (c *costs) perMillion(d deployment) float64 {
	const million, gigabyte = 1e6, 1e9
	return c.price("requests") +
		million*d.MemoryMB/1024*d.Milliseconds/1000*c.price("compute") +
		million*d.AnswerBytes/gigabyte*c.price("transfer") +
		million*d.LogBytes/gigabyte*c.price("logs")
}

// fixed returns what a month costs without any call.
func (c *costs) fixed(d deployment) float64 {
	sum := 0.0
	for key, n := range d.Hourly {
		sum += n * hoursInMonth * c.price(key)
	}
	for key, n := range d.Monthly {
		sum += n * c.price(key)
	}
	return sum
}

// costsPage makes the page about costs on AWS from the prices and the servers.
func costsPage(_ context.Context, root string) (string, error) {
	text, err := os.ReadFile(filepath.Join(root, costsFile))
	if err != nil {
		return "", err
	}
	var c costs
	if err := json.Unmarshal(text, &c); err != nil {
		return "", fmt.Errorf("%s: %w", costsFile, err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Costs on AWS\n\nWhat the servers of the tutorial cost in a month, in US dollars, in %s. The page is computed from [%s](costs.json), "+
		"which has the prices as of %s. %s Prices change, and differ between regions: put your own into the file.\n\n", c.Region, "docs/costs.json", c.Read, c.Note)
	b.WriteString("| Server | without a call |")
	for _, calls := range c.Calls {
		fmt.Fprintf(&b, " %s calls |", thousands(calls))
	}
	b.WriteString("\n|---|--:|" + strings.Repeat("--:|", len(c.Calls)) + "\n")
	for _, d := range c.Servers {
		fmt.Fprintf(&b, "| **%s**: %s | %.2f |", d.Name, d.What, c.fixed(d))
		for _, calls := range c.Calls {
			fmt.Fprintf(&b, " %.2f |", c.fixed(d)+calls/1e6*c.perMillion(d))
		}
		b.WriteString("\n")
	}
	b.WriteString("\nThe free tier is left out: each month, the first million requests and 400,000 GB-seconds of all functions of an account cost nothing. " +
		"A function without calls costs nothing, because nothing runs.\n\n")
	c.writeFormula(&b)
	c.writePrices(&b)
	return b.String(), nil
}

func (c *costs) writeFormula(b *strings.Builder) {
	b.WriteString("## The formula\n\n```text\nmonth = fixed + calls × (request + memory × time × compute + answer × transfer + log × ingestion)\n" +
		"fixed = 730 hours × hourly prices + monthly prices\n```\n\n" +
		"| Server | Memory | Billed time of a call | Answer | Log of a call | Paid without calls |\n|---|---|---|---|---|---|\n")
	for _, d := range c.Servers {
		fmt.Fprintf(b, "| %s | %.0f MB | %.0f ms | %.0f bytes | %.0f bytes | %s |\n", d.Name, d.MemoryMB, d.Milliseconds, d.AnswerBytes, d.LogBytes, c.parts(d))
	}
	b.WriteString("\nThe times are assumptions: a call costs the server less than 0.2 ms of processor time ([benchmarks](/learn/benchmarks/)), and the rest is " +
		"what your handler waits for. Lambda bills whole milliseconds.\n\n")
}

// parts lists what is paid for without any call, in the order of the prices.
func (c *costs) parts(d deployment) string {
	var parts []string
	for _, p := range c.Prices {
		if n := d.Hourly[p.Key] + d.Monthly[p.Key]; n > 0 {
			parts = append(parts, fmt.Sprintf("%.0f × %s", n, p.What))
		}
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, "; ")
}

func (c *costs) writePrices(b *strings.Builder) {
	b.WriteString("## The prices\n\n| | US dollars | per | AWS's page |\n|---|---|---|---|\n")
	for _, p := range c.Prices {
		fmt.Fprintf(b, "| %s | %s | %s | [%s](%s) |\n", p.What, strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.10f", p.USD), "0"), "."), p.Per,
			strings.TrimPrefix(strings.TrimSuffix(p.Source, "/"), "https://"), p.Source)
	}
}

// thousands writes a whole number with its thousands apart.
func thousands(v float64) string {
	text := fmt.Sprintf("%.0f", v)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
