package skill_test

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/mcpengine/mcpengine/ext/skills/skill"
)

func ExampleParseFrontmatter() {
	frontmatter, err := skill.ParseFrontmatter([]byte("---\nname: refunds\ndescription: >-\n  How customers\n  get their money back.\n---\n\n# Refunds\n"))
	fmt.Println(string(frontmatter), err)
	// Output: {"name":"refunds","description":"How customers get their money back."} <nil>
}

// A host with a client of its own checks an entry before it shows the skill, and
// content before it uses it.
func ExampleSkill_Verify() {
	const entry = `{
		"uri": "skill://refunds/SKILL.md",
		"frontmatter": {"name": "refunds", "description": "Pay back."},
		"resources": [{
			"uri": "skill://refunds/SKILL.md",
			"digest": "sha256:4c75c4f2dcb8d4a0a1a14f4dd4c4e14d6b9a8a8ab9f9eb8ebde1e5ac1b0c0e57",
			"size": 51
		}]
	}`
	var s skill.Skill
	if err := json.Unmarshal([]byte(entry), &s); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.Check())
	err := s.Verify(s.URI, []byte("---\nname: refunds\ndescription: Pay everything back.\n---\n"))
	fmt.Println(errors.Is(err, skill.ErrVerification))
	// Output:
	// <nil>
	// true
}

// An entry whose name is not the name of its folder must not be loaded.
func ExampleSkill_Check() {
	s := skill.Skill{URI: "skill://refunds/SKILL.md", Name: "payouts", Description: "Pay out.", Dynamic: true}
	fmt.Println(s.Check())
	// Output: skill skill://refunds/SKILL.md: the folder "refunds" does not have the name "payouts" of the frontmatter
}
