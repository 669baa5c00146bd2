package tokenreview_test

import (
	"context"
	"fmt"
	"os"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/mqttwarden/mqttwarden/sat"
	"github.com/mqttwarden/mqttwarden/sat/tokenreview"
)

// A broker outside of the cluster reaches it by a kubeconfig, and has the
// annotations of a namespace before they are asked for.
func Example() {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := tokenreview.NewClient(config, tokenreview.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	watcher, err := tokenreview.NewWatcher(config, tokenreview.WatcherConfig{Namespaces: []string{"press-line"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		watcher.Run(ctx)
	}()
	defer func() {
		stop()
		<-done
	}()
	cache, err := sat.NewCache(client, watcher, sat.CacheConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = sat.New(cache, cache, sat.Config{Audiences: []string{"aio-internal"}, Namespaces: []string{"press-line"}})
	if err != nil {
		fmt.Println(err)
	}
}
