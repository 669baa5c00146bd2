// Command mqttwarden is an MQTT broker that is configured by the documents of
// the packages it is made of.
//
//	mqttwarden demo           certificates, policies and commands to try them
//	mqttwarden serve -f PATH  serve what the documents say
//	mqttwarden check -f PATH  read the documents and say what is wrong
//	mqttwarden hash-password  a hash for a password file
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cmd := newCommand()
	cmd.SetArgs(longFlags(cmd, os.Args[1:]))
	if err := cmd.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
