package kube

import (
	"context"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
)

// served returns the first version that the server knows: that it lists, or
// refuses to list. The error is "not found" if it knows none of them.
func served(ctx context.Context, versions []dynamic.ResourceInterface) (int, error) {
	var err error
	for i, v := range versions {
		_, err = v.List(ctx, metav1.ListOptions{Limit: 1})
		if !apierrors.IsNotFound(err) {
			return i, err
		}
	}
	return 0, err
}

// choose returns the version to follow. Of a single one nothing is asked.
func (f *feed) choose(ctx context.Context) (int, error) {
	if len(f.versions) == 1 {
		return 0, nil
	}
	return served(ctx, f.versions)
}

// follow follows one version until there is a fault, or a better version, or
// ctx ends.
func (f *feed) follow(ctx context.Context, listAndWatch func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	f.mu.Lock()
	f.renew = cancel
	f.mu.Unlock()
	i, err := f.choose(ctx)
	if err != nil {
		return err
	}
	f.mu.Lock()
	f.current = i
	f.mu.Unlock()
	if i > 0 {
		running.Go(func() { f.awaitBetter(ctx, f.versions[:i], cancel) })
	}
	err = listAndWatch(ctx)
	if apierrors.IsNotFound(err) {
		// One version is gone: that alone does not mean that the kind is.
		_, err = served(ctx, f.versions)
	}
	return err
}

// version returns which version is followed; "" if none is.
func (f *feed) version() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.known || f.problem != nil {
		return ""
	}
	return f.kind.versions[f.current].GroupVersion().String()
}

// awaitBetter ends a watch when the server knows a better version: the same
// fields may mean something else there.
func (f *feed) awaitBetter(ctx context.Context, better []dynamic.ResourceInterface, end context.CancelFunc) {
	tick := time.NewTicker(absentInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if _, err := served(ctx, better); err == nil {
			end()
			return
		}
	}
}
