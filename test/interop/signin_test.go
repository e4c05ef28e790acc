package interop_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mcpengine/mcpengine/client"
	"github.com/mcpengine/mcpengine/mcp"
)

// A person signs in to the example, from the challenge to a message under the
// person's name, with our client, our server as a process, and the certified
// provider.
func TestSignIn(t *testing.T) {
	t.Parallel()
	program := buildAuthboard(t)
	for name, test := range map[string]func(*testing.T, string){
		"once":               signInOnce,
		"refresh":            signInRefreshes,
		"short-lived tokens": signInShortLived,
		"two processes":      signInTwoProcesses,
		"revoked":            signInRevoked,
		"step-up":            signInStepUp,
		"step-up in vain":    signInStepUpInVain,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, program)
		})
	}
}

// post posts a message and checks that it succeeds.
func (b *authboard) post(t *testing.T, c *client.Client) {
	t.Helper()
	got, err := client.Call[string](t.Context(), c, "post_message", map[string]any{"text": "hello"})
	if err != nil || !strings.HasSuffix(got, "is posted.") {
		t.Fatalf("post_message = %q, %v", got, err)
	}
}

// The server wants a token from the first request on. The person signs in once,
// and messages are posted under the name in the token.
func signInOnce(t *testing.T, program string) {
	b := newAuthboard(t, program, 0)
	dir := t.TempDir()
	b.post(t, b.connect(t, dir))
	c := b.connect(t, dir) // as another process would
	board, err := client.Call[struct {
		Messages []struct {
			Username string `json:"username"`
		} `json:"messages"`
	}](t.Context(), c, "get_messages", nil)
	if err != nil || len(board.Messages) != 1 || !strings.HasPrefix(board.Messages[0].Username, "user:http") || !strings.HasSuffix(board.Messages[0].Username, " alice") {
		t.Errorf("get_messages = %+v, %v", board, err)
	}
	b.check(t, 1, 1)
}

// An expired token is refreshed, each time with the latest refresh token.
func signInRefreshes(t *testing.T, program string) {
	b := newAuthboard(t, program, 0)
	dir := t.TempDir()
	for range 4 {
		b.post(t, b.connect(t, dir))
		b.expire()
	}
	b.check(t, 1, 4)
}

// A token that is about to expire is refreshed before it is sent. Here that is
// every token, and the client sends three requests: to connect, list and call.
func signInShortLived(t *testing.T, program string) {
	b := newAuthboard(t, program, 5*time.Second)
	c := b.connect(t, "")
	b.check(t, 1, 1)
	b.post(t, c)
	b.check(t, 1, 3)
	b.post(t, c)
	b.check(t, 1, 4)
}

// Two processes that find the token expired at the same time refresh it once. A
// second use of the refresh token would revoke all tokens.
func signInTwoProcesses(t *testing.T, program string) {
	b := newAuthboard(t, program, 0)
	dir := t.TempDir()
	b.post(t, b.connect(t, dir))
	b.expire()
	var callers []*exec.Cmd
	var inputs []io.Closer
	for range 2 {
		caller, input := b.startCaller(t, dir)
		callers, inputs = append(callers, caller), append(inputs, input)
	}
	for _, input := range inputs {
		_ = input.Close() // and go
	}
	for _, caller := range callers {
		if err := caller.Wait(); err != nil {
			t.Error(err)
		}
	}
	b.check(t, 1, 2)
}

// After the refresh token is revoked, the person signs in again.
func signInRevoked(t *testing.T, program string) {
	b := newAuthboard(t, program, 0)
	c := b.connect(t, "")
	b.post(t, c)
	if err := b.provider.Revoke(t.Context(), b.last("client_id"), b.last("refresh_token")); err != nil {
		t.Fatal(err)
	}
	b.expire()
	b.post(t, c)
	b.check(t, 2, 2)
}

// The person is asked for the scope of delete_message when it is first called,
// and not before.
func signInStepUp(t *testing.T, program string) {
	b := newAuthboard(t, program, 0)
	b.login = "root"
	c := b.connect(t, "")
	b.post(t, c)
	got, err := client.Call[string](t.Context(), c, "delete_message", map[string]any{"id": 1})
	if err != nil || got != "Message 1 is deleted." {
		t.Errorf("delete_message = %q, %v", got, err)
	}
	b.checkScopes(t)
}

// A person with the scope who is not an administrator is refused, and not asked
// to sign in again.
func signInStepUpInVain(t *testing.T, program string) {
	b := newAuthboard(t, program, 0)
	c := b.connect(t, "")
	b.post(t, c)
	for range 2 {
		_, err := client.Call[string](t.Context(), c, "delete_message", map[string]any{"id": 1})
		if e, ok := errors.AsType[*mcp.Error](err); !ok || e.Message != "the caller is not allowed to do this" {
			t.Errorf("delete_message: %v", err)
		}
	}
	b.checkScopes(t)
	b.post(t, c)
}

// checkScopes checks that the second sign-in, and no other, asks for the scope
// of delete_message.
func (b *authboard) checkScopes(t *testing.T) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	var asked []bool
	for _, visit := range b.visits {
		asked = append(asked, slices.Contains(strings.Fields(visit.Get("scope")), "messages:delete"))
	}
	if !slices.Equal(asked, []bool{false, true}) {
		t.Errorf("messages:delete was asked for at the sign-ins %t, want false and true", asked)
	}
}

// startCaller starts this test binary as a program that posts once, when its
// input ends, with the tokens in a folder.
func (b *authboard) startCaller(t *testing.T, dir string) (*exec.Cmd, io.Closer) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, b.url, dir)
	cmd.Env = append(os.Environ(), fixtureVariable+"=caller")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(stdout, make([]byte, len("ready\n"))); err != nil {
		t.Fatal(err)
	}
	return cmd, stdin
}

// callOnce is the program that startCaller starts. It has no browser.
func callOnce(ctx context.Context, server, dir string, stdin io.Reader, stdout io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	fmt.Fprintln(stdout, "ready")
	if _, err := io.Copy(io.Discard, stdin); err != nil {
		return err
	}
	noBrowser := func(context.Context, string) error { return errors.New("there is no browser") }
	c, err := client.Connect(ctx, server, client.WithOAuth(client.OAuth{Dir: dir, Open: noBrowser}))
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = client.Call[string](ctx, c, "post_message", map[string]any{"text": "from another process"})
	return err
}
