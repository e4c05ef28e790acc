package page

// Imports returns what [importsOf] finds.
func Imports(code string) (specifiers []string) {
	for _, m := range importsOf(code) {
		specifiers = append(specifiers, m.specifier)
	}
	return specifiers
}
