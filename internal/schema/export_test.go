package schema

import "context"

// MatchPattern reports whether a pattern matches s.
func MatchPattern(expr string, s []byte) (bool, error) {
	p, err := compilePattern(expr)
	if err != nil {
		return false, err
	}
	w := newWalker(context.Background(), nil)
	return w.match(p, s), w.stop
}
