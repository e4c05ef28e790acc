package mcp

import "encoding/json"

// The specification deprecates sampling since 2026-07-28. There is no formal
// deprecation mark on these types, because servers that talk to the hosts of
// today still need them.

// CreateMessageRequestParams ask the client to call a model. Messages and
// MaxTokens are required.
type CreateMessageRequestParams struct {
	Messages         List[SamplingMessage] `json:"messages"`
	ModelPreferences *ModelPreferences     `json:"modelPreferences,omitzero"`
	SystemPrompt     string                `json:"systemPrompt,omitzero"`
	IncludeContext   IncludeContext        `json:"includeContext,omitzero"`
	Temperature      *float64              `json:"temperature,omitzero"`
	MaxTokens        int64                 `json:"maxTokens"`
	StopSequences    []string              `json:"stopSequences,omitzero"`
	// Metadata is an object that the model's provider understands.
	Metadata json.RawMessage `json:"metadata,omitzero"`
	// Tools and ToolChoice need the client's sampling.tools capability.
	Tools      []Tool      `json:"tools,omitzero"`
	ToolChoice *ToolChoice `json:"toolChoice,omitzero"`
}

// IncludeContext says which servers' context the client should add to a
// sampling request. Empty means none.
type IncludeContext string

// The values of [IncludeContext]. All but IncludeContextNone need the client's
// sampling.context capability.
const (
	IncludeContextNone       IncludeContext = "none"
	IncludeContextThisServer IncludeContext = "thisServer"
	IncludeContextAllServers IncludeContext = "allServers"
)

// ModelPreferences advise the client which model to choose. A priority goes
// from 0, not important, to 1, most important; nil states none.
type ModelPreferences struct {
	// Hints are tried in order and count for more than the priorities.
	Hints                []ModelHint `json:"hints,omitzero"`
	CostPriority         *float64    `json:"costPriority,omitzero"`
	SpeedPriority        *float64    `json:"speedPriority,omitzero"`
	IntelligencePriority *float64    `json:"intelligencePriority,omitzero"`
}

// ModelHint names a model, or a family of models by a part of their names.
type ModelHint struct {
	Name string `json:"name,omitzero"`
}

// ToolChoice says how far a model may or must use the tools it is given.
type ToolChoice struct {
	// Mode is [ToolChoiceAuto] when it is empty.
	Mode ToolChoiceMode `json:"mode,omitzero"`
}

// ToolChoiceMode is the mode of a [ToolChoice].
type ToolChoiceMode string

// The modes of a [ToolChoice].
const (
	ToolChoiceAuto     ToolChoiceMode = "auto"
	ToolChoiceRequired ToolChoiceMode = "required"
	ToolChoiceNone     ToolChoiceMode = "none"
)

// SamplingMessage is a message to or from a model.
type SamplingMessage struct {
	Role    Role                         `json:"role"`
	Content SamplingMessageContentBlocks `json:"content"`
	Meta    Meta                         `json:"_meta,omitzero"`
}

// CreateMessageResult is the message a model answered with.
type CreateMessageResult struct {
	Role    Role                         `json:"role"`
	Content SamplingMessageContentBlocks `json:"content"`
	// Model is the name of the model.
	Model      string     `json:"model"`
	StopReason StopReason `json:"stopReason,omitzero"`
	Meta       Meta       `json:"_meta,omitzero"`
}

// StopReason says why a model stopped, or is empty if that is not known. Any
// provider may have reasons of its own.
type StopReason string

// The stop reasons that the protocol names.
const (
	StopReasonEndTurn      StopReason = "endTurn"
	StopReasonStopSequence StopReason = "stopSequence"
	StopReasonMaxTokens    StopReason = "maxTokens"
	StopReasonToolUse      StopReason = "toolUse"
)

// SamplingMessageContentBlock is a piece of a message to or from a model:
// [TextContent], [ImageContent], [AudioContent], [ToolUseContent] or
// [ToolResultContent]. A pointer to one of them will do as well, if it is not
// nil; decoding always yields the value and not the pointer.
type SamplingMessageContentBlock interface{ samplingMessageContentBlock() }

func (TextContent) samplingMessageContentBlock()       {}
func (ImageContent) samplingMessageContentBlock()      {}
func (AudioContent) samplingMessageContentBlock()      {}
func (ToolUseContent) samplingMessageContentBlock()    {}
func (ToolResultContent) samplingMessageContentBlock() {}

// ToolUseContent is a model's wish to have a tool called.
type ToolUseContent struct {
	// ID is what the [ToolResultContent] that answers refers to.
	ID   string `json:"id"`
	Name string `json:"name"`
	// Input is the object of arguments. nil encodes as an empty object.
	Input json.RawMessage `json:"input"`
	// Meta should go back to the model unchanged with later messages.
	Meta Meta `json:"_meta,omitzero"`
}

// MarshalJSON encodes the tool use with its type member.
func (c ToolUseContent) MarshalJSON() ([]byte, error) {
	type wire ToolUseContent
	if c.Input == nil {
		c.Input = json.RawMessage("{}")
	}
	return json.Marshal(struct {
		Type string `json:"type"`
		wire
	}{typeToolUse, wire(c)})
}

// ToolResultContent is the result of a tool call that a model asked for.
type ToolResultContent struct {
	// ToolUseID is the ID of the [ToolUseContent] this answers.
	ToolUseID string        `json:"toolUseId"`
	Content   ContentBlocks `json:"content"`
	// StructuredContent is any JSON value, null included, or nil for no value.
	StructuredContent json.RawMessage `json:"structuredContent,omitzero"`
	IsError           bool            `json:"isError,omitzero"`
	// Meta should go back to the model unchanged with later messages.
	Meta Meta `json:"_meta,omitzero"`
}

// MarshalJSON encodes the tool result with its type member.
func (c ToolResultContent) MarshalJSON() ([]byte, error) {
	type wire ToolResultContent
	return json.Marshal(struct {
		Type string `json:"type"`
		wire
	}{typeToolResult, wire(c)})
}

// decodeSamplingMessageContentBlock decodes one block by its type member.
func decodeSamplingMessageContentBlock(data []byte) (SamplingMessageContentBlock, error) {
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
	case typeToolUse:
		return decodeAs[ToolUseContent](data)
	case typeToolResult:
		return decodeAs[ToolResultContent](data)
	default:
		return nil, unknownType(name)
	}
}
