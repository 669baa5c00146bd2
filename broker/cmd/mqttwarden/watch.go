package main

import (
	"context"
	"time"

	"github.com/mqttwarden/mqttwarden/broker/config"
	"github.com/mqttwarden/mqttwarden/broker/resource"
)

// watchInterval is how often the documents are looked at. A change is read once
// they looked the same twice, since editors and kubelet change files in several
// steps. To send many clients away takes 1.4 of the two seconds of AUTHZ-13.
const watchInterval = 150 * time.Millisecond

// watcher notices changes of documents.
type watcher struct {
	paths []string
	stamp string // when they were last read
}

// newWatcher begins to watch. It comes before the first read, so that no change
// is missed.
func newWatcher(paths []string) *watcher {
	return &watcher{paths: paths, stamp: resource.Stamp(paths...)}
}

// watch loads anew whenever something changed, until ctx ends. What cannot be
// loaded is reported and changes nothing (LINK-11).
func (w *watcher) watch(ctx context.Context, options config.Options, h *health, plans chan<- *config.Plan) {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	last := w.stamp
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := resource.Stamp(w.paths...)
		settled := now == last
		last = now
		if now == w.stamp || !settled {
			continue
		}
		w.stamp = now
		plan, err := load(w.paths, options)
		if err != nil {
			h.reject(err)
			options.Logger.Error("the changed documents are not valid; the last good ones stay in force", "error", err)
			continue
		}
		select {
		case plans <- plan:
		case <-ctx.Done():
		}
	}
}
