package kube_test

import (
	"context"
	"log/slog"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/config"
	"github.com/mqttwarden/mqttwarden/broker/kube"
)

// A broker whose ports are those of a cluster's resources.
func Example() {
	ctx, log := context.Background(), slog.Default()
	cluster, namespace, err := kube.Connect("") // KUBECONFIG, or the pod's
	if err != nil {
		log.Error("no cluster", "error", err)
		return
	}
	source, err := kube.New(cluster, kube.Options{Namespace: namespace, Config: config.Options{Logger: log}})
	if err != nil {
		log.Error("no cluster", "error", err)
		return
	}
	keeper := config.NewKeeper(broker.NewServer(broker.Options{Logger: log}), "", log)
	source.Run(ctx, keeper.Apply)
}
