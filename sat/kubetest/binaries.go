package kubetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

const module = "github.com/mqttwarden/mqttwarden/sat/kubetest"

// Build returns the folder that holds the programs etcd and kube-apiserver, and
// builds them if nobody has before. Who calls it ahead need not count that time
// as time of the tests.
func Build(ctx context.Context) (string, error) {
	source, err := source(ctx)
	if err != nil {
		return "", err
	}
	folder, err := cacheFolder(source)
	if err != nil {
		return "", err
	}
	unlock, err := lock(folder + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	for _, b := range []struct{ name, pkg string }{
		{"etcd", "go.etcd.io/etcd/server/v3"},
		{"kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"},
	} {
		path := filepath.Join(folder, b.name)
		if _, err := os.Stat(path); err == nil {
			continue
		}
		if err := build(ctx, source, path, b.pkg); err != nil {
			return "", err
		}
	}
	return folder, nil
}

// source returns the folder of the module that pins the programs. The module of
// the tests that run may be another than this one.
func source(ctx context.Context) (string, error) {
	folder, err := run(ctx, "", "go", "list", "-m", "-f", "{{.Dir}}", module)
	if err != nil {
		return "", fmt.Errorf("kubetest: where is module %s: %w", module, err)
	}
	return filepath.Join(folder, "apiserver"), nil
}

// cacheFolder returns the folder for what is built of a source: another one for
// each set of versions, and each toolchain.
func cacheFolder(source string) (string, error) {
	h := sha256.New()
	_, _ = fmt.Fprintln(h, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(source, name))
		if err != nil {
			return "", fmt.Errorf("kubetest: %w", err)
		}
		h.Write(text)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("kubetest: %w", err)
	}
	folder := filepath.Join(cache, "mqttwarden", "kubetest", fmt.Sprintf("%x", h.Sum(nil)[:8]))
	return folder, os.MkdirAll(folder, 0o700)
}

// lock waits until no other process holds the lock. It ends with the process.
func lock(name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("kubetest: %w", err)
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("kubetest: %s: %w", name, err)
	}
	return func() { _ = f.Close() }, nil
}

// build builds a program of the source's module. It is there when it is whole.
func build(ctx context.Context, source, path, pkg string) error {
	version, err := run(ctx, source, "go", "list", "-m", "-f", "{{.Version}}", "k8s.io/kubernetes")
	if err != nil {
		return fmt.Errorf("kubetest: %w", err)
	}
	// A server that does not know its version says that it is 0.0.0.
	numbers := strings.Split(strings.TrimPrefix(version, "v"), ".")
	const variable = " -X k8s.io/component-base/version."
	flags := "-s -w" + variable + "gitVersion=" + version + variable + "gitMajor=" + numbers[0] + variable + "gitMinor=" + numbers[1]
	if _, err := run(ctx, source, "go", "build", "-trimpath", "-ldflags", flags, "-o", path+".new", pkg); err != nil {
		return fmt.Errorf("kubetest: %s cannot be built: %w", filepath.Base(path), err)
	}
	return os.Rename(path+".new", path)
}

// run runs a command and returns what it prints.
func run(ctx context.Context, folder, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // the go command, as called above
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=-buildvcs=false")
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, complaint.String())
	}
	return strings.TrimSpace(string(out)), nil
}
