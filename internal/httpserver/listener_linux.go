package httpserver

import (
	"net"
	"syscall"
	"time"
)

// handshakeTime is how long the TCP handshake of a connection may take that has
// begun.
const handshakeTime = 200 * time.Millisecond

// refuseNew keeps new connections out of a listener that is about to be closed,
// and waits until those that have begun are accepted: closing it would reset
// them, and with them the requests that their clients have sent. A client whose
// first packet (SYN) is dropped sends it again a second later, is then refused
// for certain, and knows that the server has got nothing of its request.
func refuseNew(l net.Listener) {
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return
	}
	const flags, syn, synACK = 13, 0x02, 0x12 // RFC 9293, section 3.1
	dropSYN := []syscall.SockFilter{
		{Code: syscall.BPF_LD | syscall.BPF_B | syscall.BPF_ABS, K: flags},
		{Code: syscall.BPF_ALU | syscall.BPF_AND | syscall.BPF_K, K: synACK},
		{Code: syscall.BPF_JMP | syscall.BPF_JEQ | syscall.BPF_K, Jf: 1, K: syn},
		{Code: syscall.BPF_RET | syscall.BPF_K, K: 0},
		{Code: syscall.BPF_RET | syscall.BPF_K, K: 0xffff},
	}
	attached := false
	err = raw.Control(func(fd uintptr) {
		//nolint:staticcheck // golang.org/x/net/bpf has an assembler, which five instructions do not need
		attached = syscall.AttachLsf(int(fd), dropSYN) == nil
	})
	if err == nil && attached {
		<-time.After(handshakeTime)
	}
}
