package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/mcpengine/mcpengine/cmd/mcpengine/internal/profile"
)

// signFlags say that requests are signed for AWS, and how.
type signFlags struct {
	sigv4 bool
	aws   profile.AWS
}

// signFlagNames are the flags beside --aws-sigv4.
var signFlagNames = []string{"aws-profile", "aws-region", "aws-service"}

func (f *signFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.sigv4, "aws-sigv4", false, "sign requests for AWS, with its credentials")
	flags.StringVar(&f.aws.Profile, "aws-profile", "", "`profile` of the AWS configuration")
	flags.StringVar(&f.aws.Region, "aws-region", "", "`region` to sign for (default: the region in the URL)")
	flags.StringVar(&f.aws.Service, "aws-service", "", "`service` to sign for (default: the service in the URL)")
	// Rare flags are in docs/bridge.md alone, so that help fits a screen.
	for _, name := range signFlagNames {
		flags.Lookup(name).Hidden = true
	}
}

// given reports whether a flag has a value.
func (f *signFlags) given(flag string) bool {
	return flag == "aws-sigv4" && f.sigv4 || flag != "aws-sigv4" && *f.value(flag) != ""
}

// any reports whether one of the flags has a value.
func (f *signFlags) any() bool {
	return f.given("aws-sigv4") || slices.ContainsFunc(signFlagNames, f.given)
}

func (f *signFlags) value(flag string) *string { return signValue(&f.aws, flag) }

func signValue(a *profile.AWS, flag string) *string {
	switch flag {
	case "aws-profile":
		return &a.Profile
	case "aws-region":
		return &a.Region
	}
	return &a.Service
}

// apply changes a profile by the flags that were given.
func (f *signFlags) apply(p *profile.Profile, said func(flag string) bool) error {
	var a *profile.AWS
	if p.AWS != nil || profile.IsLambda(p.URL) || f.sigv4 {
		copied := p.Signing() // what it was loaded from stays as it is
		a = &copied
	}
	if said("aws-sigv4") && !f.sigv4 {
		a = nil
	}
	for _, flag := range signFlagNames {
		if !said(flag) {
			continue
		}
		if a == nil {
			return fmt.Errorf("--%s needs --aws-sigv4, or a lambda URL", flag)
		}
		*signValue(a, flag) = *f.value(flag)
	}
	if a != nil && *a == (profile.AWS{}) && profile.IsLambda(p.URL) {
		a = nil // a lambda URL implies it
	}
	p.AWS = a
	return nil
}
