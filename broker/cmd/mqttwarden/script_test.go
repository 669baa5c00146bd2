package main

import (
	"errors"
	"os/exec"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets scripts run the program under its own name.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"mqttwarden": main})
}

// The scripts are conversations with each command: what is typed, what is
// printed, and the exit status.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"demofolder": demoFolder,
			"status":     wantStatus,
		},
	})
}

// demoFolder makes the folder that demo makes: demofolder DIR.
func demoFolder(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: demofolder DIR")
	}
	ts.Check(writeDemo(ts.MkAbs(args[0]), 8883))
}

// wantStatus runs a program whose exit status is to be a certain one, which may
// not be 0: status NUMBER PROGRAM [ARGUMENT ...].
func wantStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status NUMBER PROGRAM [ARGUMENT ...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	var ended *exec.ExitError
	if !errors.As(err, &ended) || ended.ExitCode() != want {
		ts.Fatalf("ended with %v, want exit status %d", err, want)
	}
}
