package seal

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
)

// maxKeyText bounds a list of keys in a file.
const maxKeyText = 64 << 10

// ParseKeys reads keys from text: 32 bytes each in base64, of either alphabet
// and with or without padding, or in hexadecimal, separated by commas or white
// space. Text of the form @PATH names a file that holds such a list. The errors
// do not quote the text.
func ParseKeys(text string) ([][]byte, error) {
	if path, ok := strings.CutPrefix(strings.TrimSpace(text), "@"); ok {
		data, err := readFile(path)
		if err != nil {
			return nil, err
		}
		text = data
	}
	var keys [][]byte
	for _, word := range strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(", \t\r\n", c) }) {
		key := parseKey(word)
		if key == nil {
			return nil, fmt.Errorf("key %d is not 32 bytes in base64 or hexadecimal: make one with `openssl rand -base64 32`, and write @ before the path of a file", len(keys)+1)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("there is no key in it")
	}
	return keys, nil
}

func readFile(path string) (string, error) {
	info, err := os.Stat(path)
	if err == nil && info.Size() > maxKeyText {
		return "", fmt.Errorf("the file it names has more than %d bytes", maxKeyText)
	}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(path)
	}
	if err != nil {
		return "", fmt.Errorf("read the file it names: %w", errors.Unwrap(err)) // without the path
	}
	return string(data), nil
}

// parseKey returns nil for a word that is not a key.
func parseKey(word string) []byte {
	if key, err := hex.DecodeString(word); err == nil && len(key) == KeySize {
		return key
	}
	word = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(word, "="))
	key, err := base64.RawStdEncoding.DecodeString(word)
	if err != nil || len(key) != KeySize {
		return nil
	}
	return key
}
