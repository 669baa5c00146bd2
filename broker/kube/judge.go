package kube

import (
	"cmp"
	"errors"
	"slices"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/config"
	"github.com/mqttwarden/mqttwarden/broker/resource"
)

// judge makes plans of the objects of a cluster, one after another. One that is
// not valid is left out, or its last valid version is used (LINK-11). It is not
// safe for concurrent use.
type judge struct {
	options config.Options
	good    map[identity]*object // versions that are part of the last plan, or were before
	limits  *broker.Limits       // of the first plan, which hold until the program ends; nil before
}

// judgement is what a judge found.
type judgement struct {
	plan       *config.Plan
	missing    []resource.Missing
	rejected   map[identity]*rejection
	unreadable map[identity]string // why objects could not be read
	restart    bool                // the limits hold when the program starts again
}

// rejection says why an object is not valid.
type rejection struct {
	errs resource.Errors
	kept *object // the version that stays in force; nil: none
}

func newJudge(o config.Options) *judge {
	return &judge{options: o, good: make(map[identity]*object)}
}

// plan makes a plan of all objects that there are. It always succeeds: in the
// worst case the plan has no ports. Unreadable says why objects that are not
// among them could not be read.
func (j *judge) plan(objects []*object, unreadable map[identity]string) judgement {
	j.forget(objects)
	c := candidates{judge: j, rejected: make(map[identity]*rejection), chosen: make(map[identity]*object, len(objects))}
	for _, o := range objects {
		c.chosen[o.identity] = o
	}
	for _, o := range objects {
		if o.set == nil {
			c.reject(o.identity, o.errs)
		}
	}
	for {
		set, plan, errs := j.compile(c.sets())
		if plan == nil {
			c.rejectAll(errs)
			continue
		}
		for id, o := range c.chosen {
			j.good[id] = o
		}
		c.explain(plan, unreadable)
		missing := set.Missing()
		for i := range missing {
			missing[i].Reason = cmp.Or(c.reason(missing[i], unreadable), missing[i].Reason)
		}
		if j.limits == nil {
			first := plan.Limits
			j.limits = &first
		}
		return judgement{plan, missing, c.rejected, unreadable, *j.limits != plan.Limits}
	}
}

// forget drops the good versions of what was deleted: an object that is made
// again under the same name is another one.
func (j *judge) forget(objects []*object) {
	uids := make(map[identity]string, len(objects))
	for _, o := range objects {
		uids[o.identity] = o.uid
	}
	for id, o := range j.good {
		if uid, ok := uids[id]; !ok || uid != o.uid {
			delete(j.good, id)
		}
	}
}

// references returns what the objects of now, and the versions that may have
// to stay in force, refer to.
func (j *judge) references(objects []*object) map[identity]bool {
	refs := make(map[identity]bool)
	for _, o := range objects {
		versions := []*object{o}
		if good := j.good[o.identity]; good != nil && good.uid == o.uid {
			versions = append(versions, good)
		}
		for _, v := range versions {
			for _, id := range v.references() {
				refs[id] = true
			}
		}
	}
	return refs
}

// compile joins sets, checks them as a whole and makes a plan of them.
func (j *judge) compile(sets []*resource.Set) (*resource.Set, *config.Plan, resource.Errors) {
	set, err := resource.Merge(sets...)
	if err != nil {
		return nil, nil, asErrors(err)
	}
	plan, err := config.Compile(set, j.options)
	if err != nil {
		return nil, nil, asErrors(err)
	}
	return set, plan, nil
}

func asErrors(err error) resource.Errors {
	var errs resource.Errors
	if errors.As(err, &errs) {
		return errs
	}
	return resource.Errors{{Detail: err.Error(), Err: err}}
}

// candidates are the versions that a plan is tried with. There are fewer or
// older ones with each try, so that the tries come to an end.
type candidates struct {
	judge    *judge
	chosen   map[identity]*object
	rejected map[identity]*rejection
}

// sets returns the sets of all that is chosen. What is in force as it is comes
// first, then what is older: of two objects that exclude each other, such as
// listeners with one port number, the newcomer is in the wrong.
func (c *candidates) sets() []*resource.Set {
	order := make([]*object, 0, len(c.chosen))
	for _, o := range c.chosen {
		order = append(order, o)
	}
	slices.SortFunc(order, func(a, b *object) int {
		return cmp.Or(
			cmp.Compare(c.rank(a), c.rank(b)),
			a.created.Compare(b.created),
			cmp.Compare(a.String(), b.String()),
		)
	})
	sets := make([]*resource.Set, len(order))
	for i, o := range order {
		sets[i] = o.set
	}
	return sets
}

func (c *candidates) rank(o *object) int {
	if good := c.judge.good[o.identity]; good != nil && good.text == o.text {
		return 0
	}
	return 1
}

// rejectAll rejects each object that an error is about. An error that is about
// none rejects everything: nothing opens that was not understood.
func (c *candidates) rejectAll(errs resource.Errors) {
	about := make(map[string]resource.Errors)
	for _, e := range errs {
		about[e.Position.File] = append(about[e.Position.File], e)
	}
	found := false
	for id := range c.chosen {
		if list := about[id.String()]; len(list) > 0 {
			c.reject(id, list)
			found = true
		}
	}
	if found {
		return
	}
	for id := range c.chosen {
		c.rejected[id] = &rejection{errs: errs}
	}
	clear(c.chosen)
}

// reject takes a version out, and puts the last good one in its place if that
// has not been tried.
func (c *candidates) reject(id identity, errs resource.Errors) {
	bad, good := c.chosen[id], c.judge.good[id]
	r := c.rejected[id]
	if r == nil {
		r = &rejection{errs: errs}
		c.rejected[id] = r
	}
	if r.kept == nil && good != nil && good != bad {
		r.kept = good
		c.chosen[id] = good
		return
	}
	r.kept = nil
	delete(c.chosen, id)
}

// explain corrects what a plan says about references: not all that was left
// out, or could not be read, does not exist.
func (c *candidates) explain(plan *config.Plan, unreadable map[identity]string) {
	for _, p := range plan.Ports {
		listener := c.chosen[identity{nameListener, p.Listener}]
		for i := range p.Missing {
			m := &p.Missing[i]
			m.Reason = cmp.Or(c.reason(*m, unreadable), m.Reason)
			port := listener.port(p.Number)
			if port != nil && m.Field == port.Field(manualSecret) && slices.Contains(listener.automatic, p.Number) {
				m.Field = port.Field(automaticSecret)
				m.Reason = cmp.Or(m.Reason, "does not exist: cert-manager has not filled it yet")
			}
		}
	}
}

const (
	manualSecret    = "tls.manual.secretRef"                      //nolint:gosec // a field
	automaticSecret = "tls.certManagerCertificateSpec.secretName" //nolint:gosec // a field
)

// reason says why an object is not part of the set; "" means that no such object
// is known.
func (c *candidates) reason(m resource.Missing, unreadable map[identity]string) string {
	id := identity{m.Kind, m.Key}
	if c.rejected[id] != nil {
		return "is not valid"
	}
	return unreadable[id]
}
