package main

import (
	"context"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

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
	root.AddCommand(newServe(), newCheck(), newExplain(), newDemo(), newHashPassword(), newVersion())
	tagErrors(root)
	return root
}

// longFlags lets -dir stand for --dir, as Go programs do, for every flag of the
// command and its subcommands.
func longFlags(cmd *cobra.Command, args []string) []string {
	known := map[string]bool{"-help": true}
	for _, sub := range append(cmd.Commands(), cmd) {
		sub.Flags().VisitAll(func(f *pflag.Flag) { known["-"+f.Name] = true })
	}
	out := make([]string, 0, len(args))
	for i, a := range args {
		if a == "--" {
			return append(out, args[i:]...)
		}
		if name, _, _ := strings.Cut(a, "="); len(name) > len("-x") && known[name] {
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
func run(ctx context.Context, k *config.Keeper, plans <-chan *config.Plan, o *observation) error {
	for {
		select {
		case <-ctx.Done():
			o.log.Info("shutting down")
			// The signal has ended ctx; the clients still get their DISCONNECT.
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), config.ShutdownTime)
			defer cancel()
			return k.Shutdown(last)
		case p := <-plans:
			err := k.Apply(p)
			o.health.take(p, err)
			if err != nil {
				o.log.Error("change applied in part", "error", err)
				continue
			}
			o.log.Info("change applied", "ports", len(p.Ports))
		}
	}
}

// newServer returns a server with the limits of the documents and of the command
// line.
func newServer(o *observation, limits *limitFlag, documents broker.Limits) *broker.Server {
	options := o.broker()
	options.Limits = limits.over(documents, o.log)
	options.StateStore = statestore.NewMemory(0)
	return broker.NewServer(options)
}

func newKeeper(o *observation, ports *portFlags, documents broker.Limits) *config.Keeper {
	server := newServer(o, &ports.limits, documents)
	k := config.NewKeeper(server, ports.address, o.log)
	o.watch(server, k)
	return k
}
