package kube

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"

	"github.com/mqttwarden/mqttwarden/broker/config"
)

// Keys of the log lines.
const (
	keyAge       = "age"
	keyError     = "error"
	keyKind      = "kind"
	keyNamespace = "namespace"
	keyObject    = "object"
	keyPorts     = "ports"
	keyVersion   = "version"
)

const (
	// settleTime is how long a change waits for others that belong to it: what
	// "kubectl apply" sends comes as several writes.
	settleTime = 100 * time.Millisecond

	// patience is how long a change waits until new references are known. What
	// is not known then counts as missing.
	patience = time.Second

	// reopenInterval is when a port that could not be opened is tried again.
	reopenInterval = 5 * time.Second
)

// Options says what a Source follows. Namespace and Config.Logger are required.
type Options struct {
	// Namespace is the only one that is followed.
	Namespace string

	// Config is used for every plan. Its logger also gets what the source has to
	// say.
	Config config.Options
}

// Source follows the resources of one namespace of a cluster.
type Source struct {
	namespace string
	client    dynamic.Interface
	log       *slog.Logger

	contact *contact
	status  *statusWriter
	judge   *judge
	told    map[string]string // what was last said about a subject

	kinds    []*feed              // of the broker kinds, while Run runs
	refs     map[identity]*ref    // of what they refer to
	decoded  map[identity]*object // in the last round
	fresh    map[identity]*object // in this round
	changed  chan struct{}
	reviving chan struct{}
	running  sync.WaitGroup

	applied map[identity]*object // which the last plan was made of
	last    judgement
	failed  []*config.PortError // of the last plan
	retry   bool                // not all of it could be applied
	waiting time.Time           // since when references are not known; zero: all are

	mu     sync.Mutex
	health Health
}

// ref is a feed of one referenced object.
type ref struct {
	*feed
	stop context.CancelFunc
}

// Health is what a Source can say about itself.
type Health struct {
	// Synced is when the last set was applied, or found to be unchanged. Zero:
	// none was yet.
	Synced time.Time

	// Contact is when the API server last answered; what is in force can be as
	// old as that. Zero: it has not answered yet. Lost is true while it does not
	// answer.
	Contact time.Time
	Lost    bool

	// Invalid has a line for each object that is not valid, escaped and cut
	// (OPS-1), in the order of kind and name.
	Invalid []string
}

// New returns a source. It opens no connection. The rate limit of c is not
// used: requests are few, and none of them may wait behind others.
func New(c *rest.Config, o Options) (*Source, error) {
	if o.Namespace == "" {
		return nil, errors.New("kube: no namespace; name the one that holds the resources")
	}
	if o.Config.Logger == nil {
		return nil, errors.New("kube: no logger")
	}
	c = rest.CopyConfig(c)
	c.QPS = -1
	c.UserAgent = "mqttwarden"
	client, err := dynamic.NewForConfig(c)
	if err != nil {
		return nil, fmt.Errorf("kube: %w", err)
	}
	return newSource(client, o), nil
}

func newSource(client dynamic.Interface, o Options) *Source {
	s := &Source{
		namespace: o.Namespace, client: client, log: o.Config.Logger,
		judge: newJudge(o.Config), told: make(map[string]string), refs: make(map[identity]*ref),
		changed: make(chan struct{}, 1), reviving: make(chan struct{}, 1),
	}
	s.contact = &contact{ask: question(s.versions(brokerKinds()[0])), log: s.log, renew: func() { signal(s.reviving) }}
	s.status = newStatusWriter(s.resources, s.log)
	return s
}

func (s *Source) resources(r schema.GroupVersionResource) dynamic.ResourceInterface {
	return s.client.Resource(r).Namespace(s.namespace)
}

func (s *Source) versions(k kind) []dynamic.ResourceInterface {
	out := make([]dynamic.ResourceInterface, len(k.versions))
	for i, r := range k.versions {
		out[i] = s.resources(r)
	}
	return out
}

// signal wakes up who waits for c. Several signals may count as one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Health returns how the source does. It is safe for concurrent use.
func (s *Source) Health() Health {
	s.mu.Lock()
	h := s.health
	h.Invalid = slices.Clone(h.Invalid)
	s.mu.Unlock()
	h.Contact, h.Lost = s.contact.state()
	return h
}

// Run follows the resources until ctx ends and has every change applied, such
// as by config.Keeper.Apply, from the calling goroutine. It is called once.
func (s *Source) Run(ctx context.Context, apply func(*config.Plan) error) {
	// client-go's own log has nothing to say that is not said here.
	ctx = klog.NewContext(ctx, klog.Logger{})
	ctx, cancel := context.WithCancel(ctx)
	defer s.running.Wait()
	defer cancel()
	s.log.Info("following a cluster", keyNamespace, s.namespace)
	for _, k := range brokerKinds() {
		f := s.newFeed(k, "")
		s.kinds = append(s.kinds, f)
		s.running.Go(func() { f.run(ctx) })
	}
	s.running.Go(func() { s.contact.run(ctx) })
	s.running.Go(func() { s.status.run(ctx) })

	var due <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.reviving:
			s.restart()
		case <-s.changed:
			if due == nil {
				due = time.After(settleTime)
			}
		case <-due:
			due = nil
			if again := s.update(ctx, apply); again > 0 {
				due = time.After(again)
			}
		}
	}
}

func (s *Source) newFeed(k kind, name string) *feed {
	return &feed{kind: k, name: name, versions: s.versions(k), notify: func() { signal(s.changed) }}
}

// restart has all watches begin anew: one that lived through an outage may be
// dead without knowing it.
func (s *Source) restart() {
	for _, f := range s.kinds {
		f.restart()
	}
	for _, r := range s.refs {
		r.restart()
	}
}
