// Package tokenreview asks the API server of a Kubernetes cluster about service
// account tokens by way of client-go.
//
//	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
//	client, err := tokenreview.NewClient(config, tokenreview.Options{})
//	cache, err := sat.NewCache(client, client, sat.CacheConfig{})
//	method, err := sat.New(cache, cache, sat.Config{Audiences: []string{"my-audience"}})
//
// It is for programs that have client-go anyway, and for those that reach the
// server in a way that only client-go knows: a kubeconfig, client certificates,
// a program that brings credentials. In a pod, sat.Client alone does the same
// for 4 MB less. Of client-go it takes the connection, and leaves the questions
// and the reading of the answers to sat.Client; so there is no limit of 5
// requests a second, which client-go has by default and which makes a crowd that
// reconnects wait for minutes. A sat.Cache bounds how many are asked at a time.
//
// A [Watcher] has the annotations of service accounts before they are asked
// for.
//
// # Security
//
// A server that is not verified could let anybody in. So plain HTTP and
// insecure-skip-tls-verify are refused, and no redirect is followed. Proxies of
// the environment are used, as client-go does; they see encrypted bytes.
package tokenreview
