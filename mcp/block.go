package mcp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// ContentBlocks is a list of content blocks. It is an ordinary slice,
// assignable from []ContentBlock and to it, that decodes each block by its type
// member and encodes nil as [].
type ContentBlocks []ContentBlock

// MarshalJSON encodes the blocks as a JSON array. A nil block is an error.
func (b ContentBlocks) MarshalJSON() ([]byte, error) {
	return encodeBlocks(b)
}

// UnmarshalJSON decodes a JSON array of blocks. A block of a type that is not
// known is an error that names the type.
func (b *ContentBlocks) UnmarshalJSON(data []byte) error {
	blocks, err := decodeBlocks(data, decodeContentBlock)
	if err != nil {
		return fmt.Errorf("decode content: %w", err)
	}
	*b = blocks
	return nil
}

// Text returns the text of every [TextContent] among the blocks, one on a line.
func (b ContentBlocks) Text() string {
	var parts []string
	for _, block := range b {
		switch text := block.(type) {
		case TextContent:
			parts = append(parts, text.Text)
		case *TextContent:
			if text != nil {
				parts = append(parts, text.Text)
			}
		}
	}
	return strings.Join(parts, "\n")
}

// SamplingMessageContentBlocks is the content of a [SamplingMessage]. It is an
// ordinary slice, assignable from []SamplingMessageContentBlock and to it. On
// the wire, content may be a single block or an array of them.
type SamplingMessageContentBlocks []SamplingMessageContentBlock

// MarshalJSON encodes one block as itself, because protocol versions before
// 2025-11-25 know nothing else, and any other number as a JSON array. A nil
// block is an error.
func (b SamplingMessageContentBlocks) MarshalJSON() ([]byte, error) {
	if len(b) == 1 && b[0] != nil {
		return json.Marshal(b[0])
	}
	return encodeBlocks(b)
}

// UnmarshalJSON decodes a single block or a JSON array of blocks. A block of a
// type that is not known is an error that names the type.
func (b *SamplingMessageContentBlocks) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte("{")) {
		block, err := decodeSamplingMessageContentBlock(data)
		if err != nil {
			return fmt.Errorf("decode sampling content: %w", err)
		}
		*b = SamplingMessageContentBlocks{block}
		return nil
	}
	blocks, err := decodeBlocks(data, decodeSamplingMessageContentBlock)
	if err != nil {
		return fmt.Errorf("decode sampling content: %w", err)
	}
	*b = blocks
	return nil
}

// encodeBlocks encodes blocks, of one of the two interface types, as an array.
func encodeBlocks[T any](blocks []T) ([]byte, error) {
	for i, block := range blocks {
		if any(block) == nil {
			return nil, fmt.Errorf("encode content: block %d is nil", i)
		}
	}
	return List[T](blocks).MarshalJSON()
}

// decodeBlocks decodes an array block by block, so that a long array of
// something else is given up at its first element. It decodes null as nil.
func decodeBlocks[T any](data []byte, decode func([]byte) (T, error)) ([]T, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	switch token, err := dec.Token(); {
	case err != nil:
		return nil, err
	case token == nil:
		return nil, nil
	case token != json.Delim('['):
		return nil, fmt.Errorf("want an array, have %.64q", data)
	}
	blocks := []T{}
	for dec.More() {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return nil, fmt.Errorf("block %d: %w", len(blocks), err)
		}
		block, err := decode(raw)
		if err != nil {
			return nil, fmt.Errorf("block %d: %w", len(blocks), err)
		}
		blocks = append(blocks, block)
	}
	_, err := dec.Token()
	return blocks, err
}
