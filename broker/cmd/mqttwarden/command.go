package main

import (
	"context"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/config"
	"github.com/mqttwarden/mqttwarden/statestore"
)

func newCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "mqttwarden",
		Short:         "An MQTT broker that knows who a client is and what it may do",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newServe(), newCheck(), newDemo(), newHashPassword())
	return root
}

// longFlags lets -dir stand for --dir, as Go programs do, for every flag of
// more than one letter.
func longFlags(args []string) []string {
	out := make([]string, 0, len(args))
	for i, a := range args {
		if a == "--" {
			return append(out, args[i:]...)
		}
		name, _, _ := strings.Cut(a, "=")
		switch name {
		case "-dir", "-port", "-address", "-phrase", "-file", "-sat-issuer", "-sat-jwks", "-help":
			a = "-" + a
		}
		out = append(out, a)
	}
	return out
}

// newLogger returns the logger of the program. Lines go to standard error.
func newLogger(cmd *cobra.Command) *slog.Logger {
	return slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
}

// run serves until ctx ends. Plans that arrive meanwhile are applied.
func run(ctx context.Context, k *config.Keeper, plans <-chan *config.Plan, log *slog.Logger) error {
	for {
		select {
		case <-ctx.Done():
			log.Info("shutting down")
			// The signal has ended ctx; the clients still get their DISCONNECT.
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), config.ShutdownTime)
			defer cancel()
			return k.Shutdown(last)
		case p := <-plans:
			if err := k.Apply(p); err != nil {
				log.Error("change applied in part", "error", err)
				continue
			}
			log.Info("change applied", "ports", len(p.Ports))
		}
	}
}

func newKeeper(log *slog.Logger, address string) *config.Keeper {
	server := broker.NewServer(broker.Options{Logger: log, StateStore: statestore.NewMemory(0)})
	return config.NewKeeper(server, address, log)
}
