// Package hidden has types that no public name may show.
package hidden

// A T is hidden.
type T struct{ A int }

// A Mode is hidden.
type Mode int

// On is a Mode.
const On Mode = 1
