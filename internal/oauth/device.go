package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/mcpengine/mcpengine/internal/peer"
)

// DeviceCode is the grant of a person whose browser is on another device (RFC
// 8628), such as a telephone.
type DeviceCode struct {
	// Show tells the person which page to open and which code to enter. Required.
	Show func(ctx context.Context, v Verification) error
}

// A Verification has the page and the code for a person who agrees on another
// device. The URLs are https, or http on this machine.
type Verification struct {
	// URL is the page to open and UserCode the code to enter there.
	URL, UserCode string

	// CompleteURL includes the code, for a link or a QR code. It may be empty.
	CompleteURL string

	// Expires is when the code expires.
	Expires time.Time
}

const (
	maxDeviceLife    = 30 * time.Minute
	minPollInterval  = time.Second
	pollInterval     = 5 * time.Second // RFC 8628, section 3.2
	maxPollInterval  = time.Minute
	slowDownInterval = 5 * time.Second // RFC 8628, section 3.5
)

func (DeviceCode) grantTypes() []string { return []string{grantDevice} }

func (DeviceCode) user() string { return person }

func (g DeviceCode) obtain(ctx context.Context, f *flow) (*token, error) {
	if f.server.Device == "" || g.Show == nil {
		return nil, errors.New("device code: the authorization server has no such endpoint, or there is no way to show the code")
	}
	var err error
	if f.client, err = f.register(ctx, ""); err != nil {
		return nil, err
	}
	form := url.Values{}
	f.setResource(form)
	f.setScope(form)
	a, err := f.post(ctx, f.server.Device, form)
	if err != nil {
		return nil, fmt.Errorf("device authorization: %w", err)
	}
	if a.status != http.StatusOK {
		return nil, fmt.Errorf("device authorization: %w", refusal(a, f.client.Secret))
	}
	d, err := parseDevice(a.body, f.config.Now())
	if err != nil {
		return nil, fmt.Errorf("device authorization: %w", err)
	}
	if err := g.Show(ctx, d.Verification); err != nil {
		return nil, fmt.Errorf("show the code: %w", err)
	}
	return f.poll(ctx, d)
}

// A device is an authorization that a person may be giving at the moment.
type device struct {
	Verification
	code     string
	life     time.Duration
	interval time.Duration
}

func parseDevice(data []byte, now time.Time) (*device, error) {
	var said struct {
		Code     string  `json:"device_code"`
		UserCode string  `json:"user_code"`
		URL      string  `json:"verification_uri"`
		Complete string  `json:"verification_uri_complete"`
		Expires  float64 `json:"expires_in"`
		Interval float64 `json:"interval"`
	}
	if err := decode(data, &said); err != nil {
		return nil, err
	}
	if said.Code == "" || !validToken(said.Code) || said.UserCode == "" || printable(said.UserCode, 64) != said.UserCode {
		return nil, errors.New("no code, or one that cannot be shown")
	}
	for _, page := range []string{said.URL, said.Complete} {
		if page == "" && said.URL != "" {
			continue
		}
		if _, err := parseEndpoint(page); err != nil {
			return nil, fmt.Errorf("verification URL: %w", err)
		}
	}
	d := &device{code: said.Code, life: maxDeviceLife, interval: pollInterval}
	if said.Expires > 0 && said.Expires < maxDeviceLife.Seconds() {
		d.life = time.Duration(said.Expires * float64(time.Second))
	}
	if said.Interval > 0 && said.Interval < maxPollInterval.Seconds() {
		d.interval = max(minPollInterval, time.Duration(said.Interval*float64(time.Second)))
	}
	d.Verification = Verification{URL: said.URL, UserCode: said.UserCode, CompleteURL: said.Complete, Expires: now.Add(d.life)}
	return d, nil
}

// poll asks until the person has decided (RFC 8628, section 3.4).
func (f *flow) poll(ctx context.Context, d *device) (*token, error) {
	defer peer.AwaitPerson(ctx)()
	ctx, cancel := context.WithTimeout(ctx, d.life)
	defer cancel()
	interval := d.interval
	for {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the person: %w", ctx.Err())
		case <-time.After(interval):
		}
		t, err := f.request(ctx, url.Values{"grant_type": {grantDevice}, "device_code": {d.code}}, d.code)
		switch {
		case isCode(err, "authorization_pending"):
		case isCode(err, "slow_down"):
			interval = min(interval+slowDownInterval, maxPollInterval)
		default:
			return t, err
		}
	}
}
