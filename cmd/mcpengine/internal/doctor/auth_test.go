package doctor_test

import (
	"net/http"
	"testing"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/doctor"
)

func authFaults() []fault {
	with := func(change func(*realm)) func(*testing.T, *doctor.Config) doctor.Target {
		return func(t *testing.T, _ *doctor.Config) doctor.Target { return newRealm(t, change).target }
	}
	issuer := func(name string, value any) func(*testing.T, *doctor.Config) doctor.Target {
		return with(func(r *realm) {
			if r.issuer[name] = value; value == nil {
				delete(r.issuer, name)
			}
		})
	}
	signedIn := func(before, after func(*realm)) func(*testing.T, *doctor.Config) doctor.Target {
		return func(t *testing.T, _ *doctor.Config) doctor.Target {
			r := newRealm(t, before)
			r.signIn(t)
			if after != nil {
				after(r)
			}
			return r.target
		}
	}
	return []fault{
		{name: "no challenge", check: "auth.challenge", level: doctor.Warning, plant: with(func(r *realm) { r.challenge = "" })},
		{name: "challenge without metadata", check: "auth.challenge", level: doctor.Warning, plant: with(func(r *realm) { r.challenge = "Bearer" })},
		{name: "no metadata", check: "auth.metadata", level: doctor.Failure, plant: with(func(r *realm) { r.resource = nil })},
		{name: "wrong resource", check: "auth.resource", level: doctor.Failure, plant: with(func(r *realm) { r.resource["resource"] = "https://other.example/mcp" })},
		{name: "no metadata of the issuer", check: "auth.server", level: doctor.Failure, plant: with(func(r *realm) { r.issuer = nil })},
		{name: "wrong issuer", check: "auth.issuer", level: doctor.Failure, plant: issuer("issuer", "https://other.example")},
		{name: "no PKCE", check: "auth.pkce", level: doctor.Failure, plant: issuer("code_challenge_methods_supported", nil)},
		{name: "no none", check: "auth.none", level: doctor.Warning, plant: issuer("token_endpoint_auth_methods_supported", []string{"client_secret_basic"})},
		{name: "no way to become known", check: "auth.client", level: doctor.Failure, plant: issuer("registration_endpoint", nil)},
		{name: "no iss", check: "auth.iss", level: doctor.Warning, plant: with(func(r *realm) {
			r.issuer["authorization_endpoint"] = "https://login.example/authorize"
			delete(r.issuer, "authorization_response_iss_parameter_supported")
		})},
		{name: "scope that nobody knows", check: "auth.scopes", level: doctor.Warning, plant: issuer("scopes_supported", []string{"write"})},
		{name: "any token is taken", check: "auth.verified", level: doctor.Failure, plant: with(func(r *realm) { r.takes = func(string) bool { return true } })},
		{name: "Authorization is stripped", check: "header.authorization", level: doctor.Warning, plant: with(func(r *realm) { r.strips = true })},
		{name: "Authorization is stripped, signed in", check: "auth.accepted", also: "header.authorization", level: doctor.Failure, plant: signedIn(nil, func(r *realm) { r.strips = true })},
		{name: "token for another server", check: "auth.audience", level: doctor.Warning, plant: signedIn(func(r *realm) { r.audience = "https://other.example/mcp" }, nil)},
		{name: "token is refused", check: "auth.accepted", level: doctor.Failure, plant: signedIn(nil, func(r *realm) { r.takes = func(string) bool { return false } })},
		{name: "token has expired", check: "auth.token", level: doctor.Warning, plant: signedIn(func(r *realm) { r.expiry = 1 }, nil)},
		{name: "header is refused", check: "auth.accepted", level: doctor.Failure, plant: func(t *testing.T, _ *doctor.Config) doctor.Target {
			target := newRealm(t, nil).target
			target.Header = http.Header{"Authorization": {"Bearer secret-that-is-old"}}
			return target
		}},
	}
}
