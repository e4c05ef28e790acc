package awsauth

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
)

// Any answer of a function becomes a response with valid fields, or an error.
func FuzzReadAnswer(f *testing.F) {
	f.Add([]byte(`{"statusCode":200,"headers":{"a":"b"},"cookies":["c"],"body":"eA==","isBase64Encoded":true}`))
	f.Add([]byte("{\"statusCode\":200}\x00\x00\x00\x00\x00\x00\x00\x00body\x00"))
	f.Add([]byte(`"x"`))
	f.Fuzz(func(t *testing.T, data []byte) {
		resp, err := readAnswer(io.NopCloser(bytes.NewReader(data)))
		if err != nil {
			return
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || len(body) > len(data) || resp.ContentLength >= 0 && resp.ContentLength != int64(len(body)) {
			t.Fatalf("a body of %d bytes of %d, said to be %d: %v", len(body), len(data), resp.ContentLength, err)
		}
		if resp.StatusCode < 200 || resp.StatusCode > 599 {
			t.Fatalf("the status is %d", resp.StatusCode)
		}
		for name, values := range resp.Header {
			if name == "" || strings.ContainsAny(name+strings.Join(values, ""), "\r\n\x00") {
				t.Fatalf("the header has %q: %q", name, values)
			}
		}
	})
}

// chunk is the event of a chunk, without an end after it.
func chunk(t *testing.T, text string) []byte {
	t.Helper()
	var event bytes.Buffer
	m := eventstream.Message{Payload: []byte(text)}
	m.Headers.Set(":message-type", eventstream.StringValue("event"))
	m.Headers.Set(":event-type", eventstream.StringValue("PayloadChunk"))
	if err := eventstream.NewEncoder().Encode(&event, m); err != nil {
		t.Fatal(err)
	}
	return event.Bytes()
}

// A payload that the connection cuts off is an error.
func TestPayloadBrokenOff(t *testing.T) {
	t.Parallel()
	head := `{"statusCode":200,"body":"x"}`
	resp, err := readAnswer(newPayload(io.NopCloser(bytes.NewReader(chunk(t, head)))))
	if err == nil {
		resp.Body.Close()
		t.Error("a buffered answer without an end is one")
	}
	events := append(chunk(t, `{"statusCode":200}`+strings.Repeat("\x00", 8)), chunk(t, "data: 1")...)
	for _, cut := range []int{0, 1, 20} {
		resp, err := readAnswer(newPayload(io.NopCloser(bytes.NewReader(events[:len(events)-cut]))))
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(resp.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("a stream without its last %d bytes is %q, %v", cut, text, err)
		}
		resp.Body.Close()
	}
}

// Reading any payload ends.
func FuzzPayload(f *testing.F) {
	var events bytes.Buffer
	for _, kind := range []string{"PayloadChunk", "Later", "InvokeComplete"} {
		m := eventstream.Message{Payload: []byte(`{"ErrorCode":""}`)}
		m.Headers.Set(":message-type", eventstream.StringValue("event"))
		m.Headers.Set(":event-type", eventstream.StringValue(kind))
		if err := eventstream.NewEncoder().Encode(&events, m); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(events.Bytes())
	f.Add(events.Bytes()[:events.Len()-1])
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := io.ReadAll(newPayload(io.NopCloser(bytes.NewReader(data))))
		if len(got) > len(data) {
			t.Fatalf("%d bytes of %d, %v", len(got), len(data), err)
		}
		if bytes.Equal(data, events.Bytes()) && (err != nil || string(got) != `{"ErrorCode":""}`) {
			t.Fatalf("the seed is %q, %v", got, err)
		}
	})
}

// The text of any refusal fits on one line.
func FuzzRefusal(f *testing.F) {
	f.Add("AccessDeniedException:http://internal", []byte(`{"Message":"is not authorized to perform: a:B on"}`))
	f.Fuzz(func(t *testing.T, code string, body []byte) {
		r := refusal{status: 403, code: errorCode(http.Header{"X-Amzn-Errortype": {code}}), message: messageOf(body)}
		text := r.explain("lambda").Error()
		if strings.ContainsAny(text, "\n\r\x1b") || len(text) > 2000 {
			t.Fatalf("the error is %q", text)
		}
	})
}
