package kube

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/mqttwarden/mqttwarden/broker/config"
	"github.com/mqttwarden/mqttwarden/internal/peertext"
)

// update puts in force what is known now. It returns when to come again even if
// nothing changes; 0: never.
func (s *Source) update(ctx context.Context, apply func(*config.Plan) error) time.Duration {
	s.fresh = make(map[identity]*object)
	defer func() { s.decoded = s.fresh }()
	objects, known := s.brokerObjects()
	if !known {
		return 0 // a feed will say when it is
	}
	s.follow(ctx, s.judge.references(objects))
	if wait := s.await(time.Now()); wait > 0 {
		return wait
	}
	core, unreadable := s.coreObjects()
	all := slices.Concat(objects, core)
	if s.retry || s.last.plan == nil || !s.isApplied(all) || !maps.Equal(s.last.unreadable, unreadable) {
		s.apply(all, unreadable, apply)
	}
	s.report(objects)
	if s.retry {
		return reopenInterval
	}
	return 0
}

// brokerObjects returns the objects of the broker kinds. It reports false until
// all kinds are known: at start, nothing opens by what has been read so far.
func (s *Source) brokerObjects() (objects []*object, known bool) {
	known = true
	for _, f := range s.kinds {
		list, ok, problem := f.snapshot()
		s.complain(f, problem)
		s.announce(f)
		known = known && (ok || f.kind.optional && apierrors.IsForbidden(problem))
		for _, u := range list {
			objects = append(objects, s.decode(f.kind, u))
		}
	}
	return objects, known
}

// coreObjects returns the referenced objects that are there, and why others
// could not be read.
func (s *Source) coreObjects() (objects []*object, unreadable map[identity]string) {
	unreadable = make(map[identity]string)
	for id, r := range s.refs {
		list, known, problem := r.snapshot()
		s.complain(r.feed, problem)
		for _, u := range list {
			objects = append(objects, s.decode(r.kind, u))
		}
		switch {
		case known:
		case apierrors.IsForbidden(problem):
			unreadable[id] = "cannot be read: this account has no right to list and watch it"
		default:
			unreadable[id] = "could not be read yet"
		}
	}
	return objects, unreadable
}

// decode reads an object unless the last round did.
func (s *Source) decode(k kind, u *unstructured.Unstructured) *object {
	id := k.identity(u.GetNamespace(), u.GetName())
	o := s.decoded[id]
	if o == nil || o.uid != string(u.GetUID()) || o.version != u.GetResourceVersion() || o.resource != k.resourceOf(u) {
		o = decode(k, u)
	}
	s.fresh[id] = o
	return o
}

// isApplied reports whether the last plan was made of these objects, apart from
// what does not matter, such as their status.
func (s *Source) isApplied(objects []*object) bool {
	if len(objects) != len(s.applied) {
		return false
	}
	for _, o := range objects {
		old := s.applied[o.identity]
		if old == nil || old.uid != o.uid || old.text != o.text {
			return false
		}
	}
	return true
}

// follow has exactly the referenced objects followed.
func (s *Source) follow(ctx context.Context, wanted map[identity]bool) {
	for id, r := range s.refs {
		if !wanted[id] {
			r.stop()
			delete(s.refs, id)
		}
	}
	for id := range wanted {
		k, ok := coreKind(id.kind)
		if !ok || s.refs[id] != nil {
			continue
		}
		ctx, stop := context.WithCancel(ctx)
		f := s.newFeed(k, id.key.Name)
		s.refs[id] = &ref{f, stop}
		s.running.Go(func() { f.run(ctx) })
	}
}

// await returns how long to wait for references that are not known yet, so that
// a reference to what is there does not close a port for a moment. It has no
// end while the server cannot be reached: what is in force stays so.
func (s *Source) await(now time.Time) time.Duration {
	for _, r := range s.refs {
		_, known, problem := r.snapshot()
		switch {
		case known, apierrors.IsForbidden(problem):
			continue
		case s.waiting.IsZero():
			s.waiting = now
			return patience
		case problem != nil && apierrors.ReasonForError(problem) == metav1.StatusReasonUnknown:
			return patience
		default:
			return max(0, patience-now.Sub(s.waiting))
		}
	}
	s.waiting = time.Time{}
	return 0
}

// apply makes a plan and has it applied.
func (s *Source) apply(objects []*object, unreadable map[identity]string, apply func(*config.Plan) error) {
	before := s.last.rejected
	s.last = s.judge.plan(objects, unreadable)
	s.applied = make(map[identity]*object, len(objects))
	for _, o := range objects {
		s.applied[o.identity] = o
		s.tell(o.identity, before[o.identity], s.last.rejected[o.identity])
	}
	err := apply(s.last.plan)
	s.failed, s.retry = portErrors(err), err != nil
	if err != nil {
		s.log.Error("change applied in part", keyError, peertext.Clean(err.Error()))
	} else {
		s.log.Info("change applied", keyPorts, len(s.last.plan.Ports))
	}
	invalid := make([]string, 0, len(s.last.rejected))
	for id, r := range s.last.rejected {
		invalid = append(invalid, peertext.Clean(id.String()+": "+r.String()))
	}
	slices.Sort(invalid)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.health.Synced, s.health.Invalid = time.Now(), invalid
}

// tell writes a line when an object is not valid, or is valid again.
func (s *Source) tell(id identity, before, now *rejection) {
	switch {
	case now != nil && (before == nil || before.String() != now.String()):
		s.log.Error("resource is not valid", keyObject, peertext.Clean(id.String()), keyError, peertext.Clean(now.String()))
	case now == nil && before != nil:
		s.log.Info("resource is valid again", keyObject, peertext.Clean(id.String()))
	}
}

// report has the status of each object say what became of it.
func (s *Source) report(objects []*object) {
	writes := make([]statusWrite, 0, len(objects))
	for _, o := range objects {
		writes = append(writes, statusWrite{o, s.last.conditionOf(o, s.failed)})
	}
	s.status.want(writes)
}

// announce writes a line when the version changes that is followed of a kind.
func (s *Source) announce(f *feed) {
	subject, version := "version "+f.kind.String(), f.version()
	if version != "" && s.told[subject] != version {
		s.told[subject] = version
		s.log.Info("following a kind", keyKind, f.kind.String(), keyVersion, version)
	}
}

// complain writes a line when the server refuses to let a feed follow. That it
// cannot be reached is said once for all feeds, by the contact.
func (s *Source) complain(f *feed, problem error) {
	subject := strings.TrimSuffix("feed "+f.kind.String()+" "+f.name, " ")
	switch {
	case problem == nil || f.kind.optional && apierrors.IsNotFound(problem):
		delete(s.told, subject)
	case apierrors.IsNotFound(problem):
		if s.told[subject] == "" {
			s.told[subject] = "absent"
			s.log.Error("the cluster does not know this kind; waiting until its CustomResourceDefinition is applied", keyKind, f.kind.String())
		}
	case apierrors.ReasonForError(problem) != metav1.StatusReasonUnknown:
		text := peertext.Clean(problem.Error())
		if s.told[subject] != text {
			s.told[subject] = text
			s.log.Error("the API server does not let this be followed", keyKind, f.kind.String(), keyObject, f.name, keyError, text)
		}
	}
}
