package routing_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/broker/internal/routing"
	"github.com/mqttwarden/mqttwarden/internal/topic"
)

// subscriber stands for a session.
type subscriber struct {
	name   string
	online bool
}

func isOnline(s *subscriber) bool { return s.online }

// naive is the subscription table written down as plainly as possible.
type naive map[subscription]routing.Options

type subscription struct {
	filter topic.Filter
	who    *subscriber
}

// match lists what matches name: subscribers, and the members of each group.
func (n naive) match(name string) (direct []string, groups [][]string) {
	byFilter := make(map[topic.Filter][]string)
	for sub, o := range n {
		if !topic.Match(sub.filter.Filter, name) {
			continue
		}
		line := fmt.Sprint(sub.who.name, o)
		if sub.filter.Share == "" {
			direct = append(direct, line)
			continue
		}
		byFilter[sub.filter] = append(byFilter[sub.filter], line)
	}
	for _, members := range byFilter {
		slices.Sort(members)
		groups = append(groups, members)
	}
	slices.Sort(direct)
	slices.SortFunc(groups, slices.Compare)
	return direct, groups
}

// matched lists the same from a table. The members of a group are found by
// picking until the turn comes round.
func matched(m *routing.Matches[*subscriber]) (direct []string, groups [][]string) {
	for s, o := range m.Subscribers() {
		direct = append(direct, fmt.Sprint(s.name, o))
	}
	for _, g := range m.Groups() {
		var members []string
		for {
			s, o, ok := g.Pick(func(*subscriber) bool { return true })
			line := fmt.Sprint(s.name, o)
			if !ok || slices.Contains(members, line) {
				break
			}
			members = append(members, line)
		}
		slices.Sort(members)
		groups = append(groups, members)
	}
	slices.Sort(direct)
	slices.SortFunc(groups, slices.Compare)
	return direct, groups
}

// randomFilter makes a filter of a few levels, so that many overlap.
func randomFilter(r *rand.Rand, levels ...string) string {
	n := 1 + r.IntN(4)
	parts := make([]string, n)
	for i := range parts {
		parts[i] = levels[r.IntN(len(levels))]
	}
	for i, p := range parts[:n-1] {
		if p == "#" {
			parts[i] = "+"
		}
	}
	if s := strings.Join(parts, "/"); s != "" {
		return s
	}
	return "a"
}

// TestTableModel makes random changes to a table and compares what matches with
// the naive list after each, $ rule included (E16).
func TestTableModel(t *testing.T) {
	for seed := range uint64(5) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { tableConversation(t, rand.New(rand.NewPCG(seed, 7))) })
	}
}

func tableConversation(t *testing.T, r *rand.Rand) {
	table, model := routing.NewTable[*subscriber](), make(naive)
	who := make([]*subscriber, 25)
	for i := range who {
		who[i] = &subscriber{name: fmt.Sprint("s", i)}
	}
	var m routing.Matches[*subscriber]
	for range 400 {
		f := topic.Filter{Filter: randomFilter(r, "a", "b", "", "$x", "+", "+", "#")}
		if r.IntN(3) == 0 {
			f.Share = string(rune('g' + r.IntN(3)))
		}
		sub := subscription{f, who[r.IntN(len(who))]}
		_, had := model[sub]
		if r.IntN(5) < 2 {
			if got := table.Unsubscribe(sub.filter, sub.who); got != had {
				t.Fatalf("Unsubscribe(%v, %s) = %v, want %v", sub.filter, sub.who.name, got, had)
			}
			delete(model, sub)
		} else {
			o := routing.Options{
				QoS: byte(r.IntN(3)), NoLocal: r.IntN(2) == 0, RetainAsPublished: r.IntN(2) == 0,
				RetainHandling: byte(r.IntN(3)), ID: r.Uint32N(1 << 28),
			}
			if got := table.Subscribe(sub.filter, sub.who, o); got != had {
				t.Fatalf("Subscribe(%v, %s) = %v, want %v", sub.filter, sub.who.name, got, had)
			}
			model[sub] = o
		}
		name := randomFilter(r, "a", "b", "", "$x")
		table.Match(name, &m)
		compareMatch(t, name, model, &m)
		if table.Len() != len(model) {
			t.Fatalf("Len() = %d, want %d", table.Len(), len(model))
		}
	}
	for sub := range model {
		table.Unsubscribe(sub.filter, sub.who)
	}
	if n := routing.Nodes(table); n != 0 || table.Len() != 0 {
		t.Errorf("an empty table has %d nodes and Len %d", n, table.Len())
	}
}

func compareMatch(t *testing.T, name string, model naive, m *routing.Matches[*subscriber]) {
	t.Helper()
	wantDirect, wantGroups := model.match(name)
	direct, groups := matched(m)
	if !slices.Equal(wantDirect, direct) { // cheaper than Diff, which is only for the text
		t.Fatalf("Match(%q) (-want +got):\n%s", name, cmp.Diff(wantDirect, direct))
	}
	if !slices.EqualFunc(wantGroups, groups, slices.Equal) {
		t.Fatalf("Match(%q) groups (-want +got):\n%s", name, cmp.Diff(wantGroups, groups))
	}
}

// TestRetainedModel does the same for retained messages.
func TestRetainedModel(t *testing.T) {
	for seed := range uint64(5) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { retainedConversation(t, rand.New(rand.NewPCG(seed, 8))) })
	}
}

func retainedConversation(t *testing.T, r *rand.Rand) {
	retained, model := routing.NewRetained[int](), make(map[string]int)
	for i := range 1000 {
		name := randomFilter(r, "a", "b", "c", "", "$x")
		old, had := model[name]
		switch r.IntN(4) {
		case 0:
			if got, ok := retained.Delete(name); got != old || ok != had {
				t.Fatalf("Delete(%q) = %d, %v, want %d, %v", name, got, ok, old, had)
			}
			delete(model, name)
		case 1:
			m := old - r.IntN(2)
			want := had && m == old
			if got := retained.CompareAndDelete(name, m); got != want {
				t.Fatalf("CompareAndDelete(%q, %d) = %v, want %v", name, m, got, want)
			}
			if want {
				delete(model, name)
			}
		default:
			if got, ok := retained.Set(name, i+1); got != old || ok != had {
				t.Fatalf("Set(%q) = %d, %v, want %d, %v", name, got, ok, old, had)
			}
			model[name] = i + 1
		}
		compareRetained(t, retained, model, randomFilter(r, "a", "b", "", "$x", "+", "+", "#"))
		if got, ok := retained.Get(name); got != model[name] || ok != (model[name] != 0) {
			t.Fatalf("Get(%q) = %d, %v, want %d", name, got, ok, model[name])
		}
	}
	for name := range model {
		retained.Delete(name)
	}
	if n := routing.RetainedNodes(retained); n != 0 || retained.Len() != 0 {
		t.Errorf("an empty store has %d nodes and Len %d", n, retained.Len())
	}
}

func compareRetained(t *testing.T, retained *routing.Retained[int], model map[string]int, filter string) {
	t.Helper()
	want := make(map[string]int)
	for name, m := range model {
		if topic.Match(filter, name) {
			want[name] = m
		}
	}
	got := make(map[string]int)
	for name, m := range retained.Match(filter) {
		if _, twice := got[name]; twice {
			t.Fatalf("Match(%q) yields %q twice", filter, name)
		}
		got[name] = m
	}
	if !maps.Equal(want, got) {
		t.Fatalf("Match(%q) (-want +got):\n%s", filter, cmp.Diff(want, got))
	}
	if retained.Len() != len(model) {
		t.Fatalf("Len() = %d, want %d", retained.Len(), len(model))
	}
}
