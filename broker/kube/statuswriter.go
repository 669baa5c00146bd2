package kube

import (
	"context"
	"log/slog"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/mqttwarden/mqttwarden/internal/peertext"
)

const (
	statusTimeout = 5 * time.Second
	statusRetry   = 10 * time.Second

	// manager names us as the owner of the condition. It is one name for all
	// replicas, which say the same.
	manager = "mqttwarden"
)

// statusWriter writes conditions in the background: a server that is slow or
// refuses delays no change of policy. It is safe for concurrent use.
type statusWriter struct {
	resources func(schema.GroupVersionResource) dynamic.ResourceInterface
	log       *slog.Logger
	wake      chan struct{}

	mu      sync.Mutex
	pending map[identity]statusWrite
	written map[identity]statusWrite // so that nothing is written twice until the change comes back
	told    string                   // the last failure
}

type statusWrite struct {
	object    *object
	condition condition
}

func newStatusWriter(resources func(schema.GroupVersionResource) dynamic.ResourceInterface, log *slog.Logger) *statusWriter {
	return &statusWriter{
		resources: resources, log: log, wake: make(chan struct{}, 1),
		pending: make(map[identity]statusWrite), written: make(map[identity]statusWrite),
	}
}

// want has conditions written that the objects do not have already. What was
// wanted before is forgotten.
func (w *statusWriter) want(all []statusWrite) {
	w.mu.Lock()
	defer w.mu.Unlock()
	written := make(map[identity]statusWrite)
	clear(w.pending)
	for _, s := range all {
		id := s.object.identity
		if done, ok := w.written[id]; ok && done.same(s) {
			written[id] = done
			continue
		}
		if s.object.ready == nil || !s.object.ready.equal(s.condition) {
			w.pending[id] = s
		}
	}
	w.written = written
	if len(w.pending) > 0 {
		signal(w.wake)
	}
}

// same reports whether two writes would do the same to the same version.
func (s statusWrite) same(t statusWrite) bool {
	return s.object.uid == t.object.uid && s.object.version == t.object.version && s.condition.equal(t.condition)
}

// run writes until ctx ends. What fails is tried again later.
func (w *statusWriter) run(ctx context.Context) {
	tick := time.NewTicker(statusRetry)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
		case <-tick.C:
		}
		w.writeAll(ctx)
	}
}

func (w *statusWriter) writeAll(ctx context.Context) {
	w.mu.Lock()
	todo := make([]statusWrite, 0, len(w.pending))
	for _, s := range w.pending {
		todo = append(todo, s)
	}
	w.mu.Unlock()
	for _, s := range todo {
		err := w.write(ctx, s)
		if ctx.Err() != nil {
			return
		}
		w.note(s, err)
	}
}

// note remembers what was written. An object that is gone, or that was made
// again, has no use for it.
func (w *statusWriter) note(s statusWrite, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	current := w.pending[s.object.identity] == s
	if err == nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		if current {
			delete(w.pending, s.object.identity)
			w.written[s.object.identity] = s
		}
		w.told = ""
		return
	}
	if text := peertext.Clean(err.Error()); text != w.told {
		w.told = text
		w.log.Warn("a status could not be written; it is tried again", keyObject, s.object.String(), keyError, text)
	}
}

// write applies the condition, and nothing else, to the status of an object.
func (w *statusWriter) write(ctx context.Context, s statusWrite) error {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	u := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": s.object.resource.GroupVersion().String(),
		"kind":       s.object.kind,
		"metadata":   map[string]any{"name": s.object.key.Name, "uid": s.object.uid},
		"status":     map[string]any{"conditions": []any{s.condition.entry(s.object.ready, time.Now())}},
	}}
	_, err := w.resources(s.object.resource).ApplyStatus(ctx, s.object.key.Name, u, metav1.ApplyOptions{FieldManager: manager, Force: true})
	return err
}

// entry returns the condition as the status holds it. The time is that of the
// last change between True and False.
func (c condition) entry(old *condition, now time.Time) map[string]any {
	since := now.UTC().Format(time.RFC3339)
	if old != nil && old.status == c.status && old.since != "" {
		since = old.since
	}
	return map[string]any{
		"type": conditionType, "status": string(c.status), "reason": c.reason, "message": c.message,
		"observedGeneration": c.generation, "lastTransitionTime": since,
	}
}
