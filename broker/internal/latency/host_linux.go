package latency

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// The host of a virtual machine takes its processors away, for some milliseconds
// at a time. /proc/stat tells of it in steps of ten, so a process of its own looks
// more closely: on each processor a thread that comes before all others wakes up
// every half millisecond, and when that is late, nothing else has run there.

const (
	watchPeriod = 500 * time.Microsecond
	watchLate   = 300 * time.Microsecond // that make a gap
)

// gap is a time during which a processor was away, by the clock of the wall.
type gap struct{ From, Till time.Time }

type gapList []gap

// meet reports whether a gap falls into a time.
func (l gapList) meet(from, till time.Time) bool {
	return slices.ContainsFunc(l, func(g gap) bool { return g.From.Before(till) && from.Before(g.Till) })
}

// host tells of the gaps.
type host struct{ watch *Process } // nil without the privileges

func watchHost(b *testing.B) *host {
	first := beforeAll(b)
	if first == nil {
		return &host{}
	}
	return &host{Start(b, first, roleWatching)}
}

// gaps returns those since the last time.
func (h *host) gaps(b *testing.B) gapList {
	if h.watch == nil {
		return nil
	}
	h.watch.Say(b, "gaps")
	var gaps gapList
	if err := json.Unmarshal([]byte(h.watch.Read(b)), &gaps); err != nil {
		b.Fatal(err)
	}
	return gaps
}

// watchProcessors prints, for each line of its input, the gaps since the one
// before.
func watchProcessors() {
	runtime.GOMAXPROCS(runtime.NumCPU() + 1) // the watching goroutines keep theirs
	var mu sync.Mutex
	var gaps gapList
	for cpu := range runtime.NumCPU() {
		go watchProcessor(cpu, func(g gap) {
			mu.Lock()
			defer mu.Unlock()
			gaps = append(gaps, g)
		})
	}
	fmt.Println("ready")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		mu.Lock()
		text, err := json.Marshal(gaps)
		gaps = nil
		mu.Unlock()
		if err != nil {
			panic(err)
		}
		fmt.Println(string(text))
	}
}

func watchProcessor(cpu int, found func(gap)) {
	runtime.LockOSThread()
	var set [16]uint64
	set[cpu/64] = 1 << (cpu % 64)
	if _, _, e := syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, 0, unsafe.Sizeof(set), uintptr(unsafe.Pointer(&set))); e != 0 {
		panic(e)
	}
	period := syscall.NsecToTimespec(watchPeriod.Nanoseconds())
	for before := time.Now(); ; {
		_, _, _ = syscall.RawSyscall(syscall.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&period)), 0, 0)
		now := time.Now()
		if now.Sub(before) > watchPeriod+watchLate {
			found(gap{before, now})
		}
		before = now
	}
}
