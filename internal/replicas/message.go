package replicas

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/mcpengine/mcpengine/internal/seal"
)

// A Kind is what a message is about.
type Kind byte

// The kinds of messages. Their numbers are part of the format.
const (
	kindHello    Kind = 1 // the sender has connected
	kindChanges  Kind = 2 // entries of [Link.Changed]
	KindAnswer   Kind = 3 // a client's answer to a question
	KindCancel   Kind = 4 // a client has cancelled a request
	KindState    Kind = 5 // items of the state of a session
	KindWho      Kind = 6 // the sender asks for the state of sessions
	KindFollow   Kind = 7 // a client resumes a stream at the sender
	KindProgress Kind = 8 // a stream that is followed has another event, or ends
)

const (
	// format is the first byte of a message. A replica of another release that
	// writes messages otherwise has another one.
	format = '1'

	sealPurpose = "bus"

	// maxFields bounds the fields of a message.
	maxFields = 2048

	// maxSkew is how far the clock of another replica may be off. A message that
	// is older was repeated by a stranger.
	maxSkew = 10 * time.Minute

	// MaxContent is how many bytes the fields of a message may have together. The
	// rest of [bus.MaxMessage] is for the seal and its encoding.
	MaxContent = 40 << 10
)

// A message tells the other replicas something. The bus carries it sealed.
type message struct {
	from   string // the replica
	sent   time.Time
	kind   Kind
	fields [][]byte
}

var (
	errFormat    = errors.New("it is of another version of MCPEngine")
	errSeal      = errors.New("it is of another server, or has other keys")
	errMalformed = errors.New("it cannot be read")
	errStale     = errors.New("it is old, or the clock of a replica is wrong")
)

// sealed returns the message as the bus carries it: the byte of the format and a
// token that only replicas of the server can open.
func (m message) sealed(keys *seal.Ring) []byte {
	return append([]byte{format}, keys.Seal(sealPurpose, m.plain(), nil)...)
}

func (m message) plain() []byte {
	plain := append([]byte{byte(m.kind)}, binary.AppendVarint(nil, m.sent.UnixMilli())...)
	plain = appendField(plain, []byte(m.from))
	for _, f := range m.fields {
		plain = appendField(plain, f)
	}
	return plain
}

func appendField(dst, field []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(field))), field...)
}

// open reads a message that the bus has carried.
func open(sealed []byte, keys *seal.Ring, now time.Time) (m message, err error) {
	if len(sealed) == 0 || sealed[0] != format {
		return m, errFormat
	}
	plain, err := keys.Open(sealPurpose, string(sealed[1:]), nil)
	if err != nil {
		return m, errSeal
	}
	if len(plain) == 0 {
		return m, errMalformed
	}
	sent, n := binary.Varint(plain[1:])
	if n <= 0 {
		return m, errMalformed
	}
	m.kind, m.sent = Kind(plain[0]), time.UnixMilli(sent)
	if age := now.Sub(m.sent); age > maxSkew || age < -maxSkew {
		return m, errStale
	}
	fields, ok := parseFields(plain[1+n:])
	if !ok || len(fields) == 0 {
		return m, errMalformed
	}
	m.from, m.fields = string(fields[0]), fields[1:]
	return m, nil
}

func parseFields(plain []byte) (fields [][]byte, ok bool) {
	for len(plain) > 0 {
		size, n := binary.Uvarint(plain)
		if n <= 0 || size > uint64(len(plain)-n) || len(fields) == maxFields {
			return nil, false
		}
		end := n + int(size) //nolint:gosec // at most the length of plain
		fields, plain = append(fields, plain[n:end]), plain[end:]
	}
	return fields, true
}
