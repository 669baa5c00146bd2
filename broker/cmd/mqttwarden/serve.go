package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/mqttwarden/mqttwarden/broker/config"
	"github.com/mqttwarden/mqttwarden/broker/resource"
)

func newServe() *cobra.Command {
	var paths []string
	var tokens tokenFlags
	var see observeFlags
	var cluster clusterFlags
	var ports portFlags
	cmd := &cobra.Command{
		Use:   "serve {-f PATH [-f PATH ...] | --kubernetes}",
		Short: "Serve what the documents say, and follow their changes",
		Long: `Serve reads BrokerListener, BrokerAuthentication and BrokerAuthorization
documents, and the ConfigMaps and Secrets they name, from files and folders. It
stays in the foreground, applies changes of the documents while it runs, and
ends on SIGTERM and SIGINT.

Every port also serves the state store, which is kept in memory: its entries
end with the program.

Service account tokens are reviewed by the API server that --kubeconfig names,
or KUBECONFIG, or of the cluster around us; with --sat-issuer and --sat-jwks
they are verified with the cluster's public keys instead, and with
--sat-max-delay besides both.

With an error in the documents at start, no port opens. A later change with an
error is reported and changes nothing. A port that refers to something missing
stays closed until it is there.

With --kubernetes it follows the resources of one namespace of the cluster that
--kubeconfig names, or KUBECONFIG, or that is around it. There, an error keeps
the ports closed that depend on the resource that has it.

With --limit, for example connections-per-source=200, packet-size=1MiB or
session-expiry=1h, a limit of the server is another than the default. It counts
over one that a document of kind Broker sets, which the log says.

With --metrics-address there are /metrics for Prometheus, /healthz, and /readyz,
which says what is wrong with the documents.`,
		Example: "  mqttwarden serve -f ./mqttwarden-demo",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := see.open(cmd)
			if err != nil {
				return err
			}
			options, err := tokens.options(cmd.Context(), o.log)
			o.tokens = tokens.cache
			switch {
			case err != nil:
			case cluster.on:
				err = cluster.serve(cmd.Context(), o, tokens.kubeconfig, &ports, options)
			default:
				err = serve(cmd.Context(), o, &ports, paths, options)
			}
			return errors.Join(err, o.close())
		},
	}
	fileFlag(cmd, &paths)
	tokens.add(cmd)
	see.add(cmd)
	cluster.add(cmd)
	ports.add(cmd)
	cmd.MarkFlagsOneRequired("file", "kubernetes")
	cmd.MarkFlagsMutuallyExclusive("file", "kubernetes")
	return cmd
}

// portFlags say where the ports are, and how much their clients get.
type portFlags struct {
	address string
	limits  limitFlag
}

func (p *portFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&p.address, "address", "", "IP address to listen on (default all)")
	p.limits.add(cmd)
}

// fileFlag adds the flag that names documents.
func fileFlag(cmd *cobra.Command, paths *[]string) {
	cmd.Flags().StringArrayVarP(paths, "file", "f", nil, "file or folder with documents; may be repeated")
}

// serve runs a broker on documents until ctx ends.
func serve(ctx context.Context, o *observation, ports *portFlags, paths []string, options config.Options) error {
	w := newWatcher(paths)
	plan, err := load(paths, options)
	if err != nil {
		return err
	}
	if len(plan.Ports) == 0 {
		return fmt.Errorf("%v: there is no BrokerListener, so there is no port to open", paths)
	}
	k := newKeeper(o, ports, plan.Limits)
	err = k.Apply(plan)
	o.health.take(plan, err)
	if err != nil {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), config.ShutdownTime)
		defer cancel()
		return errors.Join(err, k.Shutdown(last))
	}
	plans := make(chan *config.Plan)
	watchCtx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.watch(watchCtx, options, o.health, plans)
	}()
	err = run(ctx, k, plans, o)
	cancel()
	<-done
	return err
}

// load reads documents and makes a plan of them. The error has a line for each
// thing that is wrong.
func load(paths []string, options config.Options) (*config.Plan, error) {
	set, err := resource.Load(paths...)
	if err != nil {
		return nil, err
	}
	return config.Compile(set, options)
}
