package routing_test

import (
	"fmt"
	"testing"

	"github.com/mqttwarden/mqttwarden/broker/internal/routing"
	"github.com/mqttwarden/mqttwarden/internal/topic"
)

// BenchmarkMatch finds and visits all subscribers of one filter.
func BenchmarkMatch(b *testing.B) {
	for _, n := range []int{1, 100, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			table := routing.NewTable[*subscriber]()
			for range n {
				table.Subscribe(topic.Filter{Filter: "site/+/temperature"}, &subscriber{online: true}, routing.Options{QoS: 1})
			}
			var m routing.Matches[*subscriber]
			found := 0
			b.ReportAllocs()
			for b.Loop() {
				table.Match("site/7/temperature", &m)
				for s, o := range m.Subscribers() {
					if s.online && o.QoS == 1 {
						found++
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(found), "ns/subscriber")
		})
	}
}

// BenchmarkMatchLiterals looks one of 100,000 siblings up.
func BenchmarkMatchLiterals(b *testing.B) {
	table := routing.NewTable[*subscriber]()
	names := make([]string, 100_000)
	for i := range names {
		names[i] = fmt.Sprint("clients/", i, "/command")
		table.Subscribe(topic.Filter{Filter: names[i]}, &subscriber{}, routing.Options{})
	}
	var m routing.Matches[*subscriber]
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		table.Match(names[i%len(names)], &m)
		i += 7919
	}
}

// BenchmarkMatchParallel is BenchmarkMatchLiterals from all processors, without
// a common lock.
func BenchmarkMatchParallel(b *testing.B) {
	table := routing.NewTable[*subscriber]()
	table.Subscribe(topic.Filter{Filter: "a/b/c"}, &subscriber{}, routing.Options{})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		var m routing.Matches[*subscriber]
		for pb.Next() {
			table.Match("a/b/c", &m)
		}
	})
}

// BenchmarkSubscribe adds and removes one subscriber of a filter that has many,
// and one of many literal filters.
func BenchmarkSubscribe(b *testing.B) {
	const n = 100_000
	for _, literal := range []bool{false, true} {
		b.Run(fmt.Sprintf("literals=%v", literal), func(b *testing.B) {
			table := routing.NewTable[*subscriber]()
			filters := make([]topic.Filter, n)
			subscribers := make([]*subscriber, n)
			for i := range n {
				filters[i] = topic.Filter{Filter: "all"}
				if literal {
					filters[i].Filter = fmt.Sprint("clients/", i)
				}
				subscribers[i] = &subscriber{}
				table.Subscribe(filters[i], subscribers[i], routing.Options{})
			}
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				table.Unsubscribe(filters[i], subscribers[i])
				table.Subscribe(filters[i], subscribers[i], routing.Options{})
				i = (i + 1) % n
			}
		})
	}
}

// BenchmarkRetained visits 100,000 retained messages with one filter.
func BenchmarkRetained(b *testing.B) {
	retained := routing.NewRetained[int]()
	for i := range 100_000 {
		retained.Set(fmt.Sprint("site/", i%100, "/", i), i)
	}
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for range retained.Match("#") {
			n++
		}
		if n != retained.Len() {
			b.Fatal(n)
		}
	}
}
