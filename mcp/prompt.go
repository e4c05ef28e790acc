package mcp

import (
	"errors"
	"fmt"
)

// Prompt describes a prompt that a client can get.
type Prompt struct {
	Name        string           `json:"name"`
	Title       string           `json:"title,omitzero"`
	Description string           `json:"description,omitzero"`
	Arguments   []PromptArgument `json:"arguments,omitzero"`
	Icons       []Icon           `json:"icons,omitzero"`
	Meta        Meta             `json:"_meta,omitzero"`
}

// PromptArgument describes one argument of a [Prompt].
type PromptArgument struct {
	Name        string `json:"name"`
	Title       string `json:"title,omitzero"`
	Description string `json:"description,omitzero"`
	Required    bool   `json:"required,omitzero"`
}

// Role is the part someone plays in a conversation.
type Role string

// The roles.
const (
	RoleUser      Role = "user"
	RoleAssistant Role = "assistant"
)

// PromptMessage is one message of a prompt. Both members are required.
type PromptMessage struct {
	Role    Role         `json:"role"`
	Content ContentBlock `json:"content"`
}

// UnmarshalJSON decodes a message whose content is a block of a known type.
func (m *PromptMessage) UnmarshalJSON(data []byte) error {
	o, err := decodeObject(data)
	if err != nil {
		return fmt.Errorf("decode prompt message: %w", err)
	}
	if err := o.decode("role", &m.Role); err != nil {
		return fmt.Errorf("decode prompt message: %w", err)
	}
	raw, ok := o["content"]
	if !ok {
		return errors.New("decode prompt message: content is missing")
	}
	if m.Content, err = decodeContentBlock(raw); err != nil {
		return fmt.Errorf("decode prompt message: content: %w", err)
	}
	return nil
}

// ListPromptsResult is the result of prompts/list.
type ListPromptsResult struct {
	Meta       Meta         `json:"_meta,omitzero"`
	ResultType ResultType   `json:"resultType,omitzero"`
	TTLMs      int64        `json:"ttlMs"`
	CacheScope CacheScope   `json:"cacheScope"`
	Prompts    List[Prompt] `json:"prompts"`
	// NextCursor is nil on the last page.
	NextCursor *Cursor `json:"nextCursor,omitzero"`
}

// GetPromptRequestParams are the parameters of prompts/get.
type GetPromptRequestParams struct {
	Meta           Meta              `json:"_meta,omitzero"`
	Name           string            `json:"name"`
	Arguments      map[string]string `json:"arguments,omitzero"`
	InputResponses InputResponses    `json:"inputResponses,omitzero"`
	RequestState   *string           `json:"requestState,omitzero"`
}

// GetPromptResult is the result of prompts/get, unless the server asks for
// input with an [InputRequiredResult].
type GetPromptResult struct {
	Meta        Meta                `json:"_meta,omitzero"`
	ResultType  ResultType          `json:"resultType,omitzero"`
	Description string              `json:"description,omitzero"`
	Messages    List[PromptMessage] `json:"messages"`
}
