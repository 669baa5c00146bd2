package kubetest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// A cluster has a folder of 120 MB. What a test binary leaves that is killed, or
// ends by a timeout, the next one removes: a folder is in use while somebody
// holds the lock in it.
const (
	unlocked = "kubetest-new-" // not yet in use, so nobody removes it
	inUse    = "kubetest-run-"
)

// newFolder makes a folder. Its name is short, since it is part of the name of
// a socket. The folder is in use until release is called or the process ends.
func newFolder() (folder string, release func(), err error) {
	sweep(os.TempDir())
	made, err := os.MkdirTemp("", unlocked)
	if err != nil {
		return "", nil, fmt.Errorf("kubetest: %w", err)
	}
	release, err = lock(filepath.Join(made, "lock"))
	if err != nil {
		return "", nil, err
	}
	folder = filepath.Join(filepath.Dir(made), strings.Replace(filepath.Base(made), unlocked, inUse, 1))
	if err := os.Rename(made, folder); err != nil {
		release()
		return "", nil, fmt.Errorf("kubetest: %w", err)
	}
	return folder, release, nil
}

// sweep removes the folders in parent that nobody uses any more.
func sweep(parent string) {
	folders, err := filepath.Glob(filepath.Join(parent, inUse+"*"))
	if err != nil {
		return
	}
	for _, folder := range folders {
		if abandoned(filepath.Join(folder, "lock")) {
			_ = os.RemoveAll(folder) // or the next one does
		}
	}
}

func abandoned(lock string) bool {
	f, err := os.Open(lock)
	if err != nil {
		return false
	}
	defer f.Close()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}
