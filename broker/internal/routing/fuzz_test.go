package routing_test

import (
	"testing"

	"github.com/mqttwarden/mqttwarden/broker/internal/routing"
	"github.com/mqttwarden/mqttwarden/internal/topic"
)

// FuzzMatch compares both tries with topic.Match for one filter and one name.
// For text that is not checked it only must not panic and leave nothing behind.
func FuzzMatch(f *testing.F) {
	for _, seed := range [][2]string{
		{"a/b", "a/b"},
		{"a/+", "a/"},
		{"#", "$SYS"},
		{"+/b", "$x/b"},
		{"a/#", "a"},
		{"#/a", "#/a"},
		{"/", "/"},
		{"//#", "//"},
		{"a+", "a+"},
		{"", ""},
		{"$x/+", "$x/y"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, filter, name string) {
		table, retained := routing.NewTable[*subscriber](), routing.NewRetained[int]()
		s := &subscriber{}
		table.Subscribe(topic.Filter{Filter: filter}, s, routing.Options{})
		table.Subscribe(topic.Filter{Share: "g", Filter: filter}, s, routing.Options{})
		retained.Set(name, 1)

		var m routing.Matches[*subscriber]
		table.Match(name, &m)
		direct, kept := 0, 0
		for range m.Subscribers() {
			direct++
		}
		for range retained.Match(filter) {
			kept++
		}
		if topic.CheckFilter(filter) == nil && topic.CheckName(name) == nil {
			want := 0
			if topic.Match(filter, name) {
				want = 1
			}
			if direct != want || len(m.Groups()) != want || kept != want {
				t.Errorf("filter %q, name %q: %d direct, %d shared, %d retained, want %d each",
					filter, name, direct, len(m.Groups()), kept, want)
			}
		}
		if !table.Unsubscribe(topic.Filter{Filter: filter}, s) || !table.Unsubscribe(topic.Filter{Share: "g", Filter: filter}, s) {
			t.Errorf("filter %q: subscription is missing", filter)
		}
		retained.Delete(name)
		if n := routing.Nodes(table) + routing.RetainedNodes(retained); n != 0 {
			t.Errorf("filter %q, name %q: %d nodes are left", filter, name, n)
		}
	})
}
