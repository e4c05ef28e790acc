package toy_test

import (
	"os"
	"testing"
)

// programs is the folder of the built programs.
var programs string

func TestMain(m *testing.M) {
	var err error
	if programs, err = os.MkdirTemp("", "toy"); err != nil {
		panic(err) // there is no test to fail
	}
	defer os.RemoveAll(programs)
	m.Run()
}
