package main

import (
	"errors"

	"github.com/spf13/cobra"
)

// Statuses that the program ends with.
const (
	statusFound = 1 // check found something, explain explains a denial; also any failure to serve
	statusUsage = 2 // the command line or, for explain, what it names cannot be used
)

// exit ends the program with a status. Without an error, all has been said.
type exit struct {
	status int
	err    error
}

func (e *exit) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exit) Unwrap() error { return e.err }

// unusable is the end of a command whose arguments make no sense together.
func unusable(err error) error {
	if err == nil {
		return nil
	}
	return &exit{statusUsage, err}
}

// status returns what the program ends with after an error of a command. What
// no command returned is an error of the command line.
func status(err error) int {
	if err == nil {
		return 0
	}
	var e *exit
	if errors.As(err, &e) {
		return e.status
	}
	return statusUsage
}

// tagErrors gives the errors of all commands a status, so that they can be told
// from those of the command line.
func tagErrors(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		tagErrors(sub)
	}
	run := cmd.RunE
	if run == nil {
		return
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		err := run(cmd, args)
		var e *exit
		if err == nil || errors.As(err, &e) {
			return err
		}
		return &exit{statusFound, err}
	}
}
