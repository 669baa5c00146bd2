package mqttauthz_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

var ruleCounts = []int{10, 1_000, 10_000, 100_000}

// BenchmarkDecision measures one decision of a generated policy: "hot" over 64
// requests, "stream" over 8,192 requests of thousands of principals.
func BenchmarkDecision(b *testing.B) {
	for _, n := range ruleCounts {
		policy := mustCompile(b, generatedPolicy(n))
		for _, run := range []struct {
			name     string
			requests int
		}{{"hot", 64}, {"stream", 8192}} {
			b.Run(fmt.Sprintf("%s/rules=%d", run.name, n), func(b *testing.B) {
				requests := generatedRequests(policy, n, run.requests)
				b.ReportAllocs()
				i, start := 0, cpuTime(b)
				for b.Loop() {
					requests[i].decide()
					if i++; i == len(requests) {
						i = 0
					}
				}
				reportCPU(b, start)
			})
		}
	}
}

// BenchmarkDecisionParallel is BenchmarkDecision/hot on all processors: ns/op
// falls with their number when decisions share nothing.
func BenchmarkDecisionParallel(b *testing.B) {
	const n = 10_000
	policy := mustCompile(b, generatedPolicy(n))
	requests := generatedRequests(policy, n, 64)
	start := cpuTime(b)
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			requests[i%len(requests)].decide()
		}
	})
	reportCPU(b, start)
}

// BenchmarkGrants measures binding a principal at CONNECT.
func BenchmarkGrants(b *testing.B) {
	for _, n := range ruleCounts {
		b.Run(fmt.Sprintf("rules=%d", n), func(b *testing.B) {
			policy := mustCompile(b, generatedPolicy(n))
			principals := make([]mqttauthz.Principal, 1000)
			for i := range principals {
				principals[i] = generatedPrincipal(i, n)
			}
			b.ReportAllocs()
			i, start := 0, cpuTime(b)
			for b.Loop() {
				policy.Grants(principals[i%len(principals)])
				i++
			}
			reportCPU(b, start)
		})
	}
}

// BenchmarkCompile reports the time to compile a generated policy and what of
// it stays in memory.
func BenchmarkCompile(b *testing.B) {
	for _, n := range ruleCounts {
		b.Run(fmt.Sprintf("rules=%d", n), func(b *testing.B) {
			rules := generatedPolicy(n)
			before, start := liveBytes(), cpuTime(b)
			var policy *mqttauthz.Policy
			for b.Loop() {
				policy = mustCompile(b, rules)
			}
			reportCPU(b, start)
			b.ReportMetric(float64(liveBytes()-before)/1e6, "live-MB")
			runtime.KeepAlive(policy)
			runtime.KeepAlive(rules)
		})
	}
}

// reportCPU reports the processor time of one operation, garbage collection
// included.
func reportCPU(b *testing.B, start time.Duration) {
	b.ReportMetric(float64(cpuTime(b)-start)/float64(b.N), "cpu-ns/op")
}

func liveBytes() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// generatedRequests returns requests of principals of a policy of n rules.
func generatedRequests(policy *mqttauthz.Policy, n, count int) []request {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	grants := make(map[int]*mqttauthz.Grants)
	requests := make([]request, count)
	for i := range requests {
		j := r.IntN(10_000)
		who := generatedPrincipal(j, n)
		if grants[j] == nil {
			grants[j] = policy.Grants(who)
		}
		requests[i] = generatedRequest(r, who, j%max(1, n/10), grants[j])
	}
	return requests
}

func mustCompile(tb testing.TB, rules []mqttauthz.Rule) *mqttauthz.Policy {
	tb.Helper()
	p, err := mqttauthz.Compile(rules)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}
