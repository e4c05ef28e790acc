package schema

import "slices"

// markShared marks the subschemas whose verdicts are worth remembering. Without
// a $ref a schema is a tree, and the walk meets each pair of subschema and value
// at most once. A $ref adds a second path to its target. If a subschema also
// applies two others to one value, the number of paths doubles with each level
// of the value.
//
// A verdict behind a $dynamicRef depends on the path and is not remembered.
// There maxWork alone bounds the walk.
func (c *compiler) markShared() {
	if slices.ContainsFunc(c.refs, func(r reference) bool { return r.dynamic }) {
		return
	}
	if slices.ContainsFunc(c.nodes, (*node).branches) {
		for _, r := range c.refs {
			if target := r.node.ref; target != nil {
				target.shared = true
			}
		}
	}
	// unevaluated asks all subschemas once more.
	if slices.ContainsFunc(c.nodes, (*node).asksAgain) {
		for _, n := range c.nodes {
			c.inPlace(n, func(part *node) { part.shared = true })
		}
	}
}

// branches reports whether n may apply several subschemas to one value.
func (n *node) branches() bool {
	return n.all != nil || n.any != nil || n.one != nil || n.not != nil || n.cond != nil || n.rare != nil ||
		n.ref != nil && !n.alias ||
		n.array != nil && n.array.contains != nil ||
		n.object != nil && n.object.patterns != nil
}

func (n *node) asksAgain() bool {
	return n.rare != nil && (n.rare.items != nil || n.rare.members != nil)
}
