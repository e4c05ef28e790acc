package mcp

import "encoding/json"

// The values of the type member, by which content blocks are told apart.
const (
	typeText         = "text"
	typeImage        = "image"
	typeAudio        = "audio"
	typeResourceLink = "resource_link"
	typeResource     = "resource"
	typeToolUse      = "tool_use"
	typeToolResult   = "tool_result"
)

// ContentBlock is a piece of a tool's result or of a prompt: [TextContent],
// [ImageContent], [AudioContent], [ResourceLink] or [EmbeddedResource]. A
// pointer to one of them will do as well, if it is not nil; decoding always
// yields the value and not the pointer.
type ContentBlock interface{ contentBlock() }

func (TextContent) contentBlock()      {}
func (ImageContent) contentBlock()     {}
func (AudioContent) contentBlock()     {}
func (ResourceLink) contentBlock()     {}
func (EmbeddedResource) contentBlock() {}

// TextContent is text.
type TextContent struct {
	Text        string       `json:"text"`
	Annotations *Annotations `json:"annotations,omitzero"`
	Meta        Meta         `json:"_meta,omitzero"`
}

// MarshalJSON encodes the text with its type member.
func (c TextContent) MarshalJSON() ([]byte, error) {
	type wire TextContent
	return json.Marshal(struct {
		Type string `json:"type"`
		wire
	}{typeText, wire(c)})
}

// ImageContent is a picture.
type ImageContent struct {
	// Data is the encoded picture, such as the bytes of a PNG file.
	Data        []byte       `json:"data"`
	MIMEType    string       `json:"mimeType"`
	Annotations *Annotations `json:"annotations,omitzero"`
	Meta        Meta         `json:"_meta,omitzero"`
}

// MarshalJSON encodes the picture with its type member and its data in base64.
func (c ImageContent) MarshalJSON() ([]byte, error) {
	type wire ImageContent
	c.Data = notNil(c.Data)
	return json.Marshal(struct {
		Type string `json:"type"`
		wire
	}{typeImage, wire(c)})
}

// AudioContent is sound.
type AudioContent struct {
	// Data is the encoded sound, such as the bytes of a WAV file.
	Data        []byte       `json:"data"`
	MIMEType    string       `json:"mimeType"`
	Annotations *Annotations `json:"annotations,omitzero"`
	Meta        Meta         `json:"_meta,omitzero"`
}

// MarshalJSON encodes the sound with its type member and its data in base64.
func (c AudioContent) MarshalJSON() ([]byte, error) {
	type wire AudioContent
	c.Data = notNil(c.Data)
	return json.Marshal(struct {
		Type string `json:"type"`
		wire
	}{typeAudio, wire(c)})
}

// ResourceLink is a [Resource] that the client may read, whether or not the
// server lists it.
type ResourceLink Resource

// MarshalJSON encodes the resource with its type member.
func (l ResourceLink) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Type string `json:"type"`
		Resource
	}{typeResourceLink, Resource(l)})
}

// EmbeddedResource is a resource with its contents.
type EmbeddedResource struct {
	Resource    ResourceContents `json:"resource"`
	Annotations *Annotations     `json:"annotations,omitzero"`
	Meta        Meta             `json:"_meta,omitzero"`
}

// MarshalJSON encodes the resource with its type member.
func (r EmbeddedResource) MarshalJSON() ([]byte, error) {
	type wire EmbeddedResource
	return json.Marshal(struct {
		Type string `json:"type"`
		wire
	}{typeResource, wire(r)})
}

// Annotations tell a client how a server means an object to be used.
type Annotations struct {
	// Audience says whom the object is for. nil leaves that open.
	Audience []Role `json:"audience,omitzero"`
	// Priority goes from 0, entirely optional, to 1, effectively required.
	Priority *float64 `json:"priority,omitzero"`
	// LastModified is a time in the format of ISO 8601.
	LastModified string `json:"lastModified,omitzero"`
}

// decodeContentBlock decodes one content block by its type member.
func decodeContentBlock(data []byte) (ContentBlock, error) {
	name, err := decodeType(data)
	if err != nil {
		return nil, err
	}
	switch name {
	case typeText:
		return decodeAs[TextContent](data)
	case typeImage:
		return decodeAs[ImageContent](data)
	case typeAudio:
		return decodeAs[AudioContent](data)
	case typeResourceLink:
		return decodeAs[ResourceLink](data)
	case typeResource:
		return decodeAs[EmbeddedResource](data)
	default:
		return nil, unknownType(name)
	}
}

// notNil returns data, and for nil an empty slice, which encodes as "" and not
// as null.
func notNil(data []byte) []byte {
	if data == nil {
		return []byte{}
	}
	return data
}
