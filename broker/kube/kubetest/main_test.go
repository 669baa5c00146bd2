package kubetest_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/mqttwarden/mqttwarden/sat/kubetest"
)

// Made once, and only read by the tests. Tests that stop the API server, or
// change what all namespaces share, have a cluster of their own.
var (
	cluster *server
	program string // the program under test
)

func TestMain(m *testing.M) {
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(code)
}

func runTests(m *testing.M) (int, error) {
	if _, err := exec.LookPath("kubectl"); err != nil {
		return 1, fmt.Errorf("kubetest: kubectl is missing: apt-get install kubernetes-client: %w", err)
	}
	dir, err := os.MkdirTemp("", "mqttwarden-kube-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "mqttwarden")
	if err := build(program); err != nil {
		return 1, err
	}
	c, err := kubetest.Open(context.Background())
	if err != nil {
		return 1, err
	}
	defer c.Close()
	if cluster, err = newServer(context.Background(), c); err != nil {
		return 1, err
	}
	if err := define(cluster); err != nil {
		return 1, err
	}
	code := m.Run()
	if code != 0 {
		fmt.Fprintf(os.Stderr, "kube-apiserver said at last:\n%s\n", cluster.Log())
	}
	return code, nil
}

// build makes the program in the module that it belongs to, with the versions
// of its dependencies that users get.
func build(path string) error {
	args := []string{"build", "-o", path}
	if raceDetector {
		args = append(args, "-race")
	}
	cmd := exec.Command("go", append(args, "./broker/cmd/mqttwarden")...)
	cmd.Dir = filepath.Join("..", "..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("kubetest: building the program: %w\n%s", err, out)
	}
	return nil
}
