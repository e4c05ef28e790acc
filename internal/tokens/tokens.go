// Package tokens estimates how long texts are for models.
package tokens

import "unicode/utf8"

// Estimate estimates how many tokens a text has for a model: one for four
// ASCII characters, and one for each other character.
func Estimate[T ~string | ~[]byte](text T) int {
	ascii, others := 0, 0
	for i := range len(text) {
		switch c := text[i]; {
		case c < utf8.RuneSelf:
			ascii++
		case utf8.RuneStart(c):
			others++
		}
	}
	return (ascii+3)/4 + others
}
