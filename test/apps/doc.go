// Package apps shows the views of package ext/apps in a real browser, through the
// official bridge between servers and views. It exports nothing.
package apps
