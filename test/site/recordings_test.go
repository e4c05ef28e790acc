package main

import "testing"

func TestTerminal(t *testing.T) {
	t.Parallel()
	const recording = `{"version":2,"width":80,"height":24}
[0.1,"o","\u001b[?2004h\u001b]133;A\u0007$ "]
[0.2,"o","mcpengine new shop $SOURCE\r\n"]
[0.5,"o","wrote <shop>\r\n"]
[0.9,"o","\u001b]133;D;0\u0007$ "]
`
	const want = `<pre class="terminal"><span style="animation-delay:1.3s">$ </span><span style="animation-delay:1.4s">mcpengine new shop` + "\n" +
		`</span><span style="animation-delay:1.7s">wrote &lt;shop&gt;` + "\n" + `</span></pre>` + "\n"
	got, err := terminal(recording)
	if err != nil || got != want {
		t.Errorf("terminal() = %s, %v\nwant %s", got, err, want)
	}
	if _, err := terminal("{}\nno event\n"); err == nil {
		t.Error("a broken recording is no error")
	}
}
