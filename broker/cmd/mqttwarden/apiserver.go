package main

import (
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/mqttwarden/mqttwarden/sat"
	"github.com/mqttwarden/mqttwarden/sat/tokenreview"
)

// apiServer returns a client of the API server that a kubeconfig names, or else
// those that KUBECONFIG lists, or else of the cluster that we run in. The
// kubeconfig of the home folder is not looked at: it is for people, and a broker
// would send the tokens of clients to whatever cluster it names today.
func apiServer(kubeconfig string) (*sat.Client, error) {
	listed := os.Getenv(clientcmd.RecommendedConfigPathEnvVar)
	switch {
	case kubeconfig != "":
		return fromKubeconfig("--kubeconfig", &clientcmd.ClientConfigLoadingRules{ExplicitPath: kubeconfig})
	case listed != "":
		return fromKubeconfig("KUBECONFIG", &clientcmd.ClientConfigLoadingRules{Precedence: filepath.SplitList(listed)})
	}
	cluster, err := sat.InCluster()
	if err != nil {
		return nil, err
	}
	return sat.NewClient(cluster)
}

func fromKubeconfig(from string, rules *clientcmd.ClientConfigLoadingRules) (*sat.Client, error) {
	loaded, err := rules.Load()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from, err)
	}
	c, err := clientcmd.NewDefaultClientConfig(*loaded, &clientcmd.ConfigOverrides{}).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from, err)
	}
	if c.ExecProvider != nil {
		c.ExecProvider.StdinUnavailable = true
		c.ExecProvider.StdinUnavailableMessage = "a broker has nobody to answer its questions"
	}
	client, err := tokenreview.NewClient(c, tokenreview.Options{})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from, err)
	}
	return client, nil
}
