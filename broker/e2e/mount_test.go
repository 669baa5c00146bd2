package e2e_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// mounted puts the documents of a folder into another as kubelet does with a
// mounted ConfigMap: the files are links to ..data/FILE, and ..data is a link to
// a folder, which is exchanged for another one at once.
func (f *folder) mounted(t *testing.T) (mount *folder, publish func()) {
	t.Helper()
	mount = &folder{path: t.TempDir(), port: f.port, observer: f.observer}
	revision := 0
	publish = func() {
		t.Helper()
		revision++
		name := "..rev" + strconv.Itoa(revision)
		if err := os.CopyFS(filepath.Join(mount.path, name), os.DirFS(f.path)); err != nil {
			t.Fatal(err)
		}
		next := filepath.Join(mount.path, "..data_tmp")
		if err := os.Symlink(name, next); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(next, filepath.Join(mount.path, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	publish()
	for name := range contents(t, f.path) {
		if err := os.Symlink(filepath.Join("..data", name), filepath.Join(mount.path, name)); err != nil {
			t.Fatal(err)
		}
	}
	return mount, publish
}

// A change of a mounted ConfigMap takes effect without a restart.
func TestMountedConfigMap(t *testing.T) {
	t.Parallel()
	f := tutorialFolder(t)
	f.edit(t, "listener.yaml", linkAuthorization, "")
	mount, publish := f.mounted(t)
	p := serve(t, mount)
	p.expect(t, "msg=listening", "observer")

	f.edit(t, "listener.yaml", "      tls:\n", linkAuthorization+"      tls:\n")
	publish()
	p.expect(t, "port changed", "abac-authz (4 rules)")

	moved := freePort(t)
	f.edit(t, "listener.yaml", "port: "+strconv.Itoa(f.port), "port: "+strconv.Itoa(moved))
	publish()
	p.expect(t, "port closed", ":"+strconv.Itoa(f.port))
	p.expect(t, "msg=listening", ":"+strconv.Itoa(moved)+" ", "abac-authz (4 rules)")
	if open(f.port) {
		t.Error("the old port is still open")
	}
	mount.port = moved
	mount.measure(t, "21 degrees")
}

// A folder that is deleted and made again, and a link that is pointed at another
// folder, are followed like any other change: a tightened policy that is not
// noticed would leave doors open.
func TestFolderReplaced(t *testing.T) {
	t.Parallel()
	f := tutorialFolder(t)
	f.edit(t, "listener.yaml", linkAuthorization, "")
	top := t.TempDir()
	current := &folder{path: filepath.Join(top, "current"), port: f.port, observer: f.observer}
	copyTo := func(path string) {
		t.Helper()
		if err := os.CopyFS(path, os.DirFS(f.path)); err != nil {
			t.Fatal(err)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	copyTo(current.path)
	p := serve(t, current)

	f.edit(t, "listener.yaml", "      tls:\n", linkAuthorization+"      tls:\n")
	must(os.RemoveAll(current.path))
	copyTo(current.path)
	p.expect(t, "port changed", "abac-authz (4 rules)")

	other := filepath.Join(top, "other")
	f.edit(t, "listener.yaml", linkAuthorization, "")
	copyTo(other)
	must(os.RemoveAll(current.path))
	must(os.Symlink(other, current.path))
	p.expect(t, "port changed", "every client may do everything")

	third := filepath.Join(top, "third")
	f.edit(t, "listener.yaml", "      tls:\n", linkAuthorization+"      tls:\n")
	copyTo(third)
	must(os.Remove(current.path))
	must(os.Symlink(third, current.path))
	p.expect(t, "port changed", "abac-authz (4 rules)")
	current.measure(t, "21 degrees")
}

// The program's own log in the folder of its documents is no change of them.
func TestLogInFolder(t *testing.T) {
	t.Parallel()
	f := tutorialFolder(t)
	p := serve(t, f)
	f.write(t, "serve.log", "one line")
	f.edit(t, "authorization.yaml", "apiVersion", "# a remark\napiVersion")
	p.expect(t, "change applied")
	f.write(t, "serve.log", "two lines\n")
	f.edit(t, "authorization.yaml", "# a remark", "# another remark")
	p.expect(t, "change applied")
	if n := strings.Count(p.said.String(), "change applied"); n != 2 {
		t.Errorf("%d changes were applied, want 2", n)
	}
}

// Without any BrokerListener left, everything closes.
func TestLastListenerDeleted(t *testing.T) {
	t.Parallel()
	f := tutorialFolder(t)
	p := serve(t, f)
	f.remove(t, "listener.yaml")
	f.remove(t, "observer.yaml")
	p.expect(t, "port closed", "mqtts-endpoint")
	if open(f.port) {
		t.Error("the port is open without its listener")
	}
}
