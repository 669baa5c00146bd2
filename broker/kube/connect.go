package kube

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// namespaceFile is where a pod finds the namespace that it runs in.
const namespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

// Connect returns how to reach the API server, and the namespace that is meant
// when nobody says another: those of the current context of a kubeconfig file;
// or, with "", of those files that KUBECONFIG lists; or, if it lists none, those
// of the pod that the program runs in. The kubeconfig of the home folder is for
// people and not looked at. Connect opens no connection.
func Connect(kubeconfig string) (*rest.Config, string, error) {
	rules := &clientcmd.ClientConfigLoadingRules{ExplicitPath: kubeconfig}
	from := kubeconfig
	if kubeconfig == "" {
		from = clientcmd.RecommendedConfigPathEnvVar
		listed := os.Getenv(from)
		if listed == "" {
			return inCluster()
		}
		rules.Precedence = filepath.SplitList(listed)
	}
	loaded, err := rules.Load()
	if err != nil {
		return nil, "", fmt.Errorf("kube: %s: %w", from, err)
	}
	context := clientcmd.NewDefaultClientConfig(*loaded, &clientcmd.ConfigOverrides{})
	c, err := context.ClientConfig()
	if err != nil {
		return nil, "", fmt.Errorf("kube: %s: %w", from, err)
	}
	if c.ExecProvider != nil {
		c.ExecProvider.StdinUnavailable = true
		c.ExecProvider.StdinUnavailableMessage = "a broker has nobody to answer its questions"
	}
	namespace, _, err := context.Namespace()
	if err != nil {
		return nil, "", fmt.Errorf("kube: %s: %w", from, err)
	}
	return c, namespace, nil
}

func inCluster() (*rest.Config, string, error) {
	c, err := rest.InClusterConfig()
	if errors.Is(err, rest.ErrNotInCluster) {
		return nil, "", errors.New("kube: not in a pod; name a kubeconfig file with --kubeconfig")
	}
	if err != nil {
		return nil, "", fmt.Errorf("kube: %w", err)
	}
	namespace, err := os.ReadFile(namespaceFile)
	if err != nil {
		return nil, "", fmt.Errorf("kube: the namespace of this pod: %w", err)
	}
	return c, strings.TrimSpace(string(namespace)), nil
}
