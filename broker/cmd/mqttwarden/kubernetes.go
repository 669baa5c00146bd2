package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"github.com/mqttwarden/mqttwarden/broker/config"
	"github.com/mqttwarden/mqttwarden/broker/kube"
)

// clusterFlags say whether to follow a cluster, and which namespace of it.
type clusterFlags struct {
	on        bool
	namespace string
}

func (c *clusterFlags) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&c.on, "kubernetes", false, "follow the resources of a cluster instead of files")
	cmd.Flags().StringVar(&c.namespace, "namespace", "", "namespace to follow (default that of the kubeconfig file, or of the pod)")
	cmd.MarkFlagsMutuallyExclusive("file", "namespace")
}

// serve runs a broker on the resources of a cluster until ctx ends.
func (c *clusterFlags) serve(ctx context.Context, o *observation, kubeconfig string, ports *portFlags, options config.Options) error {
	rest, namespace, err := kube.Connect(kubeconfig)
	if err != nil {
		return err
	}
	if c.namespace != "" {
		namespace = c.namespace
	}
	source, err := kube.New(rest, kube.Options{Namespace: namespace, Config: options})
	if err != nil {
		return err
	}
	o.health.follow(source)
	var k *config.Keeper // made with the limits of the first plan
	source.Run(ctx, func(p *config.Plan) error {
		if k == nil {
			k = newKeeper(o, ports, p.Limits)
		}
		err := k.Apply(p)
		o.health.take(p, err)
		return err
	})
	o.log.Info("shutting down")
	if k == nil {
		return nil
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), config.ShutdownTime)
	defer cancel()
	return k.Shutdown(last)
}

// writeCluster tells what is wrong in a cluster. A server that does not answer
// takes nobody out of service: what is in force stays so.
func writeCluster(b *strings.Builder, h kube.Health, now time.Time) {
	if h.Lost {
		fmt.Fprintf(b, "the API server does not answer; what is in force is as of %v ago\n", now.Sub(h.Contact).Round(time.Second))
	}
	for _, line := range h.Invalid {
		fmt.Fprintln(b, "not valid:", line)
	}
}

func collectCluster(show func(kind prometheus.ValueType, name, help string, value float64), h kube.Health) {
	show(prometheus.GaugeValue, "mqttwarden_cluster_resources_invalid", "Resources of the cluster that are not valid.", float64(len(h.Invalid)))
	if !h.Contact.IsZero() {
		show(prometheus.GaugeValue, "mqttwarden_cluster_contact_timestamp_seconds", "When the API server last answered: what is in force can be as old as that.", float64(h.Contact.UnixMilli())/1e3)
	}
}
