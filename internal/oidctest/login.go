package oidctest

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
)

// A form is one of the provider's pages to fill in: where it goes, and its
// hidden fields.
var (
	formAction = regexp.MustCompile(`<form[^>]*\saction="([^"]*)"`)
	formHidden = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
)

// maxPages bounds the pages of a visit. No visit needs as many.
const maxPages = 20

// A visit is a browser that keeps cookies while a person signs in.
type visit struct {
	client http.Client
	issuer string
	login  string
}

// Login visits an authorization URL as a browser does, signs in as alice and
// agrees to everything. It returns the URL that the browser would be sent to
// next, the redirect URI with its parameters, without visiting it.
func (p *Provider) Login(ctx context.Context, authorizationURL string) (string, error) {
	return p.LoginAs(ctx, "alice", authorizationURL)
}

// LoginAs is [Provider.Login] by another account. Every login is one.
func (p *Provider) LoginAs(ctx context.Context, login, authorizationURL string) (string, error) {
	v, err := p.visit(login)
	if err != nil {
		return "", err
	}
	callback, page, err := v.walk(ctx, authorizationURL)
	switch {
	case err != nil:
		return "", fmt.Errorf("log in: %w", err)
	case callback == "":
		return "", fmt.Errorf("log in: the provider shows an error: %s", complaint(page))
	}
	return callback, nil
}

// Confirm visits the verification URL of the device grant (RFC 8628, section
// 3.3.1), which has the code in it, and agrees to it as alice.
func (p *Provider) Confirm(ctx context.Context, verificationURL string) error {
	v, err := p.visit("alice")
	if err != nil {
		return err
	}
	_, page, err := v.walk(ctx, verificationURL)
	switch {
	case err != nil:
		return fmt.Errorf("confirm device: %w", err)
	case !strings.Contains(page, "Sign-in Success"):
		return fmt.Errorf("confirm device: the provider shows an error: %s", complaint(page))
	}
	return nil
}

func (p *Provider) visit(login string) (*visit, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, fmt.Errorf("make cookie jar: %w", err)
	}
	return &visit{
		issuer: p.Issuer(),
		login:  login,
		client: http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}},
	}, nil
}

// walk follows redirects and sends forms until it is sent away from the
// provider, or to a page that has no form.
func (v *visit) walk(ctx context.Context, target string) (callback, page string, err error) {
	method, body := http.MethodGet, ""
	for range maxPages {
		if !strings.HasPrefix(target, v.issuer+"/") {
			return target, "", nil
		}
		var location string
		if location, page, err = v.send(ctx, method, target, body); err != nil {
			return "", "", err
		}
		if location != "" {
			method, target, body = http.MethodGet, location, ""
			continue
		}
		action := formAction.FindStringSubmatch(page)
		if action == nil {
			return "", page, nil
		}
		if target, err = resolve(target, html.UnescapeString(action[1])); err != nil {
			return "", "", err
		}
		method, body = http.MethodPost, v.fill(page).Encode()
	}
	return "", "", errors.New("the provider asks on and on")
}

// fill returns the values that a person puts into a form.
func (v *visit) fill(page string) url.Values {
	form := url.Values{"login": {v.login}, "password": {"any"}}
	for _, field := range formHidden.FindAllStringSubmatch(page, -1) {
		form.Set(html.UnescapeString(field[1]), html.UnescapeString(field[2]))
	}
	return form
}

// send returns where the provider sends the browser, or the page it shows.
func (v *visit) send(ctx context.Context, method, target, body string) (location, page string, err error) {
	req, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
	if err != nil {
		return "", "", err
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := v.client.Do(req)
	if err != nil {
		return "", "", err
	}
	defer resp.Body.Close()
	if to := resp.Header.Get("Location"); to != "" {
		location, err = resolve(target, to)
		return location, "", err
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return "", string(data), err
}

func resolve(base, reference string) (string, error) {
	u, err := url.Parse(base)
	if err != nil {
		return "", err
	}
	if u, err = u.Parse(reference); err != nil {
		return "", err
	}
	return u.String(), nil
}

// complaint returns the text of an error page.
func complaint(page string) string {
	_, body, _ := strings.Cut(page, "<body>")
	text := regexp.MustCompile(`<[^>]*>`).ReplaceAllString(body, " ")
	return html.UnescapeString(strings.Join(strings.Fields(text), " "))
}
