package lambda

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/mcpengine/mcpengine/internal/jsonrpc"
)

// maxChunk is how much of a streamed answer is sent at once.
const maxChunk = 32 << 10

const (
	errorType = "Lambda-Runtime-Function-Error-Type"
	errorBody = "Lambda-Runtime-Function-Error-Body"
	unhandled = errorType + ": Unhandled\r\n"
)

// answer sends the answer to an invocation to the platform. It fails only when
// the platform cannot go on. When the platform refuses one answer, it does not.
func (r *runtime) answer(ctx context.Context, c *connection, inv *invocation, to string, header, body []byte) error {
	head := append(r.head("POST", inv.path(to)), header...)
	resp, err := c.ask(withBody(head, len(body)), body, c.short)
	if err != nil {
		return fmt.Errorf("answer an invocation: %w", err)
	}
	defer c.done(resp)
	return r.settle(ctx, inv, resp)
}

// settle reads the platform's response to an answer.
func (r *runtime) settle(ctx context.Context, inv *invocation, resp *http.Response) error {
	switch {
	case resp.StatusCode < 300:
		return nil
	case resp.StatusCode < 500:
		r.log(ctx, inv, "the answer was not accepted", unexpected(resp))
		return nil
	default:
		return fmt.Errorf("answer an invocation: %w", unexpected(resp))
	}
}

// stream sends an answer to the platform while the handler writes it.
func (r *runtime) stream(ctx context.Context, c *connection, inv *invocation, s *Stream) error {
	defer s.Close()
	head := append(r.head("POST", inv.path("/response")),
		"Lambda-Runtime-Function-Response-Mode: streaming\r\n"+
			"Content-Type: "+framedType+"\r\n"+
			"Transfer-Encoding: chunked\r\n"+
			"Trailer: "+errorType+", "+errorBody+"\r\n\r\n"...)
	err := c.send(head, nil)
	if err == nil {
		err = sendChunks(c, s)
	}
	if err == nil {
		err = c.short()
	}
	if err != nil {
		// The answer may have become too long. If the platform is gone, the
		// request for the next invocation fails.
		c.close()
		r.log(ctx, inv, "the answer broke off", err)
		return nil
	}
	resp, err := c.response()
	if err != nil {
		return fmt.Errorf("answer an invocation: %w", err)
	}
	defer c.done(resp)
	return r.settle(ctx, inv, resp)
}

// sendChunks sends the data of s in chunks, as it comes (RFC 9112, section
// 7.1). The trailer holds the error that ended the data, if there is one.
func sendChunks(c *connection, s *Stream) error {
	buf := make([]byte, maxChunk+2)
	for {
		n, err := s.Read(buf[:maxChunk])
		if n > 0 {
			size := append(strconv.AppendInt(make([]byte, 0, 16), int64(n), 16), "\r\n"...)
			end := n + copy(buf[n:], "\r\n")
			if err := c.write(size, buf[:end]); err != nil {
				return err
			}
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			return c.write([]byte("0\r\n\r\n"), nil)
		default:
			body := base64.StdEncoding.EncodeToString(notice(err))
			return c.write([]byte("0\r\n"+unhandled+errorBody+": "+body+"\r\n\r\n"), nil)
		}
	}
}

// fail ends an invocation with an error. The caller of the function gets the
// reason.
func (r *runtime) fail(ctx context.Context, c *connection, inv *invocation, reason error) error {
	r.log(ctx, inv, "the invocation fails", reason)
	return r.answer(ctx, c, inv, "/error", []byte(unhandled), notice(reason))
}

// refuse tells the platform why the process does not start, and returns reason.
func (r *runtime) refuse(reason error) error {
	c := &connection{address: r.address}
	defer c.close()
	body := notice(reason)
	head := append(r.head("POST", "/2018-06-01/runtime/init/error"), unhandled...)
	resp, err := c.ask(withBody(head, len(body)), body, c.short)
	if err == nil {
		c.done(resp)
	}
	return reason // main reports it too
}

// notice encodes an error in the format of the platform.
func notice(err error) []byte {
	kind := "Error"
	if errors.As(err, new(*EventError)) {
		kind = "EventError"
	}
	text := jsonrpc.AppendString([]byte(`{"errorMessage":`), err.Error())
	text = append(text, `,"errorType":`...)
	text = jsonrpc.AppendString(text, kind)
	return append(text, '}')
}

func (r *runtime) log(ctx context.Context, inv *invocation, message string, err error) {
	r.adapter.config.Logger.LogAttrs(ctx, slog.LevelError, message, slog.String(requestIDAttr, inv.id), slog.Any("error", err))
}
