package streamable

import "time"

// UntilExpiry returns a channel that delivers when a caller's token expires: a
// stream must not outlive the token. For a token that does not expire, the
// channel never delivers. Stop releases the timer.
func UntilExpiry(at time.Time) (expired <-chan time.Time, stop func() bool) {
	if at.IsZero() {
		return nil, func() bool { return false }
	}
	timer := time.NewTimer(time.Until(at))
	return timer.C, timer.Stop
}
