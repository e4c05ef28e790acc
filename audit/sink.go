package audit

import (
	"context"
	"errors"
	"log/slog"
)

// Log returns a sink that logs each record at level Info, as "audit" with the
// members of the record as attributes. It never fails: whether a logger keeps what
// it is given is the logger's business.
func Log(logger *slog.Logger) Sink {
	return Func(func(ctx context.Context, r Record) error {
		logger.LogAttrs(ctx, slog.LevelInfo, "audit", r.attrs()...)
		return nil
	})
}

// attrs returns the members of the record that are not empty.
func (r *Record) attrs() []slog.Attr {
	attrs := []slog.Attr{slog.Time("time", r.Time), slog.Duration("duration", r.Duration)}
	for _, m := range []struct{ name, value string }{
		{"traceId", r.TraceID},
		{"subject", r.Subject},
		{"issuer", r.Issuer},
		{"client", r.Client},
		{"tenant", r.Tenant},
		{"address", r.Address},
		{"program", r.Program},
		{"method", r.Method},
		{"kind", r.Kind},
		{"feature", r.Feature},
		{"requested", r.Requested},
		{"policy", r.Policy},
		{"why", r.Why},
		{"rule", r.Rule},
		{"digest", r.Digest},
		{"outcome", r.Outcome},
	} {
		if m.value != "" {
			attrs = append(attrs, slog.String(m.name, m.value))
		}
	}
	attrs = append(attrs, slog.Bool("allowed", r.Allowed), slog.Int("size", r.Size))
	if r.Code != 0 {
		attrs = append(attrs, slog.Int("code", r.Code))
	}
	if r.Status != 0 {
		attrs = append(attrs, slog.Int("status", r.Status))
	}
	if r.Arguments != nil {
		attrs = append(attrs, slog.Any("arguments", r.Arguments))
	}
	if r.Values != nil {
		attrs = append(attrs, slog.Any("values", r.Values))
	}
	return attrs
}

// Tee returns a sink that writes to all of the sinks. It fails when one fails.
func Tee(sinks ...Sink) Sink {
	return Func(func(ctx context.Context, r Record) error {
		var errs []error
		for _, s := range sinks {
			errs = append(errs, s.Write(ctx, r))
		}
		return errors.Join(errs...)
	})
}
