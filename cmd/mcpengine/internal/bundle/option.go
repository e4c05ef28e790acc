package bundle

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// options returns what a host asks for, and the variables that bring the answers to the
// program. Values travel in the environment alone: arguments can be read by every
// program of the machine, and hosts log them.
func (d declaration) options() (options, map[string]string, error) {
	var all options
	env := map[string]string{}
	for _, v := range d.Variables {
		one, err := v.option()
		if err != nil {
			return nil, nil, err
		}
		all = append(all, one)
		env[v.Name] = "${user_config." + v.Name + "}"
	}
	return all, env, nil
}

func (v variable) option() (option, error) {
	o := option{
		name: v.Name, Title: v.title(), Description: v.description(), Sensitive: v.Sensitive,
		// A host takes a required value from its user, and not from the manifest: with a
		// default, the server would not start until the user has typed it again.
		Required: v.Required && len(v.Schema.Default) == 0,
	}
	if !v.Sensitive { // a bundle is a public file
		o.Default = v.Schema.Default
	}
	switch v.Schema.Type {
	case "string":
		o.Type = map[string]string{"file-path": "file", "directory-path": "directory"}[v.Schema.Format]
		if o.Type == "" {
			o.Type = "string"
		}
	case "integer", "number":
		o.Type, o.Min, o.Max = "number", v.Schema.Minimum, v.Schema.Maximum
	case "boolean":
		o.Type = "boolean"
	case "array":
		// The format has fields for several files or folders, but hosts put their values
		// into arguments alone: in a variable, the official library leaves the name.
		o.Type, o.Default = "string", nil
	default:
		return o, hint("declare it as a text, a number or a bool", "variable %s is of the type %q, for which hosts have no field", v.Name, v.Schema.Type)
	}
	if len(o.Default) > 0 && !strings.ContainsRune(`"-0123456789tf`, rune(o.Default[0])) {
		return o, fmt.Errorf("the default of variable %s is no text, number or bool", v.Name)
	}
	o.blank()
	return o, nil
}

// blank makes an optional value that a user leaves empty reach the program as an empty
// variable. Without a default, hosts leave ${user_config.NAME} as it is.
func (o *option) blank() {
	switch {
	case o.Required || len(o.Default) > 0:
	case o.Type == "boolean":
		o.Default = json.RawMessage("false") // as an empty box looks
	case o.Type != "number":
		o.Default = json.RawMessage(`""`)
	}
}

// title returns the label of the field.
func (v variable) title() string {
	if v.Schema.Title != "" {
		return v.Schema.Title
	}
	words := strings.FieldsFunc(strings.ToLower(v.Name), func(r rune) bool { return r == '_' })
	if len(words) == 0 {
		return v.Name
	}
	for i, word := range words {
		switch word {
		case "api", "ca", "db", "http", "https", "id", "ip", "json", "sql", "tls", "uri", "url":
			words[i] = strings.ToUpper(word)
		default:
			if i == 0 {
				words[i] = strings.ToUpper(word[:1]) + word[1:]
			}
		}
	}
	return strings.Join(words, " ")
}

// description returns the text below the field, in sentences. The format has no choices,
// so that the text lists them.
func (v variable) description() string {
	text := strings.TrimSpace(v.Schema.Description)
	if text == "" {
		text = "Sets " + v.Name + "."
	}
	first, size := utf8.DecodeRuneInString(text)
	text = string(unicode.ToUpper(first)) + text[size:]
	if !strings.ContainsAny(text[len(text)-1:], ".!?") {
		text += "."
	}
	switch {
	case len(v.Schema.Enum) > 0:
		var choices []string
		for _, value := range v.Schema.Enum {
			choices = append(choices, fmt.Sprint(value))
		}
		text += " One of: " + strings.Join(choices, ", ") + "."
	case v.Schema.Type == "array":
		text += " Several are separated by commas."
	case v.Schema.Format == "go-duration":
		text += " Such as 300ms, 5s or 1h30m."
	}
	return text
}
