package mqttauthz_test

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// BenchmarkTable prints every figure this package promises beside what must be
// reached. A figure is the least processor time of several runs, for other
// processes on the machine only ever add to it; the two that compare
// goroutines are medians of wall time and of processor time.
//
//	go test -run '^$' -bench Table ./mqttauthz
func BenchmarkTable(b *testing.B) {
	for b.Loop() {
		var table strings.Builder
		row := func(figure, measured, must string, reached bool) {
			verdict := "reached"
			if !reached {
				verdict = "MISSED"
			}
			fmt.Fprintf(&table, "\n%-52s %18s   %-18s %s", figure, measured, must, verdict)
		}
		fmt.Fprintf(&table, "\n%-52s %18s   %s", "figure", "measured", "must reach")
		hot := make(map[int]float64)
		for _, n := range ruleCounts {
			policy := mustCompile(b, generatedPolicy(n))
			requests := generatedRequests(policy, n, 64)
			hot[n] = leastCPU(b, 60, 30_000, func(i int) { requests[i%len(requests)].decide() })
			row(fmt.Sprintf("decision, 64 hot requests, %d rules", n), fmt.Sprintf("%.0f ns", hot[n]), "<= 250 ns", hot[n] <= 250)
			allocs := testing.AllocsPerRun(100, func() { requests[0].decide() })
			row(fmt.Sprintf("decision, %d rules", n), fmt.Sprintf("%v allocations", allocs), "0", allocs == 0)
			if n == 10_000 {
				streamRow(b, policy, row)
				grantsRow(b, policy, row)
				parallelRows(b, policy, row)
			}
		}
		ratio := hot[100_000] / hot[10]
		row("hot decision, 100,000 rules over 10", fmt.Sprintf("%.2f", ratio), "<= 2", ratio <= 2)
		compileRows(b, row)
		fmt.Println(table.String()) // b.Log cuts it after ten lines
	}
}

// addRow adds a line to the table.
type addRow func(figure, measured, must string, reached bool)

func streamRow(b *testing.B, policy *mqttauthz.Policy, row addRow) {
	requests := generatedRequests(policy, 10_000, 8192)
	ns := leastCPU(b, 30, 8*len(requests), func(i int) { requests[i%len(requests)].decide() })
	row("decision, stream of 8,192 requests, 10,000 rules", fmt.Sprintf("%.0f ns", ns), "<= 1000 ns", ns <= 1000)
}

func grantsRow(b *testing.B, policy *mqttauthz.Policy, row addRow) {
	principals := make([]mqttauthz.Principal, 1000)
	for i := range principals {
		principals[i] = generatedPrincipal(i, 10_000)
	}
	ns := leastCPU(b, 30, 10_000, func(i int) { policy.Grants(principals[i%len(principals)]) })
	row("Grants, 10,000 rules", fmt.Sprintf("%.0f ns", ns), "<= 5000 ns", ns <= 5000)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range principals {
		policy.Grants(principals[i])
	}
	runtime.ReadMemStats(&after)
	bytes := float64(after.TotalAlloc-before.TotalAlloc) / float64(len(principals))
	row("Grants, 10,000 rules", fmt.Sprintf("%.0f B", bytes), "<= 1000 B", bytes <= 1000)
}

func compileRows(b *testing.B, row addRow) {
	rules := generatedPolicy(100_000)
	before := liveBytes()
	var policy *mqttauthz.Policy
	seconds := leastCPU(b, 5, 1, func(int) { policy = mustCompile(b, rules) }) / 1e9
	live := float64(liveBytes()-before) / 1e6
	runtime.KeepAlive(policy)
	runtime.KeepAlive(rules)
	row("Compile, 100,000 rules", fmt.Sprintf("%.2f s", seconds), "<= 1 s", seconds <= 1)
	row("Compile, 100,000 rules, live memory", fmt.Sprintf("%.0f MB", live), "<= 160 MB", live <= 160)
}

// parallelRows compares two goroutines with one, each deciding the same number
// of requests. A busy machine does not have two processors to give, so the same
// is measured of goroutines that only count: what those do not reach, decisions
// cannot.
func parallelRows(b *testing.B, policy *mqttauthz.Policy, row addRow) {
	requests := generatedRequests(policy, 10_000, 64)
	decisions := func() {
		for i := range 1_000_000 {
			requests[i%len(requests)].decide()
		}
	}
	counting := func() {
		n := 0
		for i := range 200_000_000 {
			n += i & 3
		}
		runtime.KeepAlive(n)
	}
	var speedups, limits, costs []float64
	for range 9 {
		speedup, cost := twoOverOne(b, decisions)
		limit, _ := twoOverOne(b, counting)
		speedups, limits, costs = append(speedups, speedup), append(limits, limit), append(costs, cost)
	}
	speedup, limit, cost := median(speedups), median(limits), median(costs)
	row("two goroutines over one, median of 9", fmt.Sprintf("%.2f", speedup), ">= 1.8", speedup >= 1.8)
	row("  the same of an empty loop on this machine now", fmt.Sprintf("%.2f", limit), "(no promise)", true)
	row("processor time per decision, two over one", fmt.Sprintf("%.2f", cost), "<= 1.1", cost <= 1.1)
}

// twoOverOne returns how many times the work of one goroutine two do in the same
// time, and how many times the processor time a piece of work then takes.
func twoOverOne(b *testing.B, work func()) (speedup, cost float64) {
	run := func(goroutines int) (wall, cpu float64) {
		var wg sync.WaitGroup
		start, used := time.Now(), cpuTime(b)
		for range goroutines {
			wg.Go(work)
		}
		wg.Wait()
		n := float64(goroutines)
		return float64(time.Since(start)) / n, float64(cpuTime(b)-used) / n
	}
	wall1, cpu1 := run(1)
	wall2, cpu2 := run(2)
	return wall1 / wall2, cpu2 / cpu1
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

// leastCPU returns the nanoseconds of processor time that one call of do
// takes: the least of several runs of so many calls.
func leastCPU(b *testing.B, runs, calls int, do func(i int)) float64 {
	b.Helper()
	least := math.Inf(1)
	runtime.GC() // so that no run pays for what others left
	for range runs {
		start := cpuTime(b)
		for i := range calls {
			do(i)
		}
		least = min(least, float64(cpuTime(b)-start)/float64(calls))
	}
	return least
}
