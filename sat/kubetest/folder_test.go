package kubetest_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/sat/kubetest"
)

// A test binary that is killed leaves no process behind, and its folder is gone
// with the next cluster. The binary is this one, started again.
func TestNothingStaysBehind(t *testing.T) {
	t.Parallel()
	if os.Getenv("KUBETEST_DIE") != "" {
		_, _ = os.Stdout.WriteString("url=" + cluster.URL + "\n")
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	tmp := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestNothingStaysBehind$")
	cmd.Env = append(os.Environ(), "KUBETEST_DIE=1", "TMPDIR="+tmp)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var url string
	for lines := bufio.NewScanner(out); url == "" && lines.Scan(); {
		_, url, _ = strings.Cut(lines.Text(), "url=")
	}
	if err := cmd.Wait(); err == nil || url == "" {
		t.Fatalf("it was to be killed with a cluster running: %v, %q", err, url)
	}
	for deadline := time.Now().Add(patience); len(using(t, tmp)) > 0; <-time.After(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("processes that still run: %v", using(t, tmp))
		}
	}
	if left := len(entries(t, tmp)); left != 1 {
		t.Fatalf("%d folders were left, want 1", left)
	}
	kubetest.Sweep(tmp)
	if left := entries(t, tmp); len(left) > 0 {
		t.Errorf("folders that are left: %v", left)
	}
	kubetest.Sweep(os.TempDir())
	expect(t, "the cluster that is in use", serverSays(t, ""), "status: BadRequest")
}

func entries(t *testing.T, folder string) []os.DirEntry {
	t.Helper()
	found, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// using returns the processes whose command line names a folder.
func using(t *testing.T, folder string) []int {
	t.Helper()
	names, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []int
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil || !strings.Contains(string(text), folder) {
			continue // others come and go
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name))); err == nil {
			found = append(found, pid)
		}
	}
	return found
}
