// Package note lets functions record for the tests what they have done.
package note

import (
	"fmt"
	"os"
)

// Add appends a line with an event and the process id to the file that the
// environment variable LEDGER names. Without the variable it does nothing.
func Add(what string) error {
	name := os.Getenv("LEDGER")
	if name == "" {
		return nil
	}
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = fmt.Fprintf(f, "%s %d\n", what, os.Getpid())
	return err
}
