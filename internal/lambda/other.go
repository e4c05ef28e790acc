package lambda

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

// other answers an invocation whose event is not an HTTP request, for the reason
// refused, with [Config.Event].
func (a *Adapter) other(ctx context.Context, payload []byte, refused error) ([]byte, error) {
	e, ok := errors.AsType[*EventError](refused)
	if !ok || e.Kind == "" || a.config.Event == nil {
		return nil, refused
	}
	if end, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = a.withMargin(ctx, end)
		defer cancel()
	}
	id, _ := ctx.Value(invocationIDKey{}).(string)
	answer, err := a.callEvent(context.WithValue(ctx, requestIDKey{}, id), payload)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return nil, refused
	case err != nil:
		return nil, err
	case len(answer) > maxPayload:
		return nil, fmt.Errorf("the answer to the event has %d bytes, more than the %d that an invocation returns", len(answer), maxPayload)
	}
	return answer, nil
}

// callEvent calls [Config.Event] on a goroutine of its own, so that code that
// panics or ends its goroutine fails one invocation and not the process.
func (a *Adapter) callEvent(ctx context.Context, payload []byte) (answer []byte, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		err = errors.New("the handler of the event ended its goroutine")
		defer func() {
			if v := recover(); v != nil {
				err = fmt.Errorf("the handler of the event panicked: %v", v)
				a.config.Logger.ErrorContext(ctx, "the handler of an event panicked", "panic", v, "stack", string(debug.Stack()))
			}
		}()
		answer, err = a.config.Event(ctx, payload)
	}()
	<-done
	return answer, err
}
