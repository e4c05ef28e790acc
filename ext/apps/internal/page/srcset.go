package page

import "strings"

// srcset returns the value of a srcset with its files as data: addresses (HTML,
// "Parsing a srcset attribute").
func (b *builder) srcset(ref reference, value string) string {
	const space = " \t\n\f\r"
	var candidates []string
	rest := value
	for {
		rest = strings.TrimLeft(rest, space+",")
		if rest == "" {
			return strings.Join(candidates, ", ")
		}
		n := strings.IndexAny(rest, space)
		if n < 0 {
			n = len(rest)
		}
		address, descriptor := rest[:n], ""
		rest = rest[n:]
		if bare := strings.TrimRight(address, ","); bare != address {
			address = bare
		} else {
			descriptor, rest, _ = strings.Cut(rest, ",")
		}
		candidate := b.data(ref, address)
		if descriptor = strings.Trim(descriptor, space); descriptor != "" {
			candidate += " " + descriptor
		}
		candidates = append(candidates, candidate)
	}
}
