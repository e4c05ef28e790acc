package streamable

import "time"

// UntilExpiry returns a channel that tells when a caller's token ends: a stream
// must not outlive it. Nothing comes for a token without an end. Stop releases
// the timer.
func UntilExpiry(at time.Time) (expired <-chan time.Time, stop func() bool) {
	if at.IsZero() {
		return nil, func() bool { return false }
	}
	timer := time.NewTimer(time.Until(at))
	return timer.C, timer.Stop
}
