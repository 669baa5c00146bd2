// Command mqttwarden is an MQTT broker that is configured by the documents of
// the packages it is made of.
//
//	mqttwarden demo           certificates, policies and commands to try them
//	mqttwarden serve -f PATH  serve what the documents say
//	mqttwarden check -f PATH  read the documents and say what is wrong
//	mqttwarden explain        who may do what by the documents, and why
//	mqttwarden hash-password  a hash for a password file
//	mqttwarden version        what this program was built of
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cmd := newCommand()
	cmd.SetArgs(longFlags(cmd, os.Args[1:]))
	if code := runToEnd(ctx, cmd); code != 0 {
		os.Exit(code)
	}
}

// runToEnd runs a command and returns the exit status.
func runToEnd(ctx context.Context, cmd *cobra.Command) int {
	err := cmd.ExecuteContext(ctx)
	if err != nil && err.Error() != "" {
		fmt.Fprintln(os.Stderr, err)
	}
	return status(err)
}
