package resource_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mqttwarden/mqttwarden/broker/resource"
)

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func configMap(name string) string {
	return `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "` + name + `"}}` + "\n"
}

func names(set *resource.Set) []string {
	var out []string
	for _, c := range set.ConfigMaps {
		out = append(out, c.Name)
	}
	return out
}

func TestLoadFolder(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "b.yaml"), configMap("b"))
	write(t, filepath.Join(dir, "a.JSON"), configMap("a"))
	write(t, filepath.Join(dir, "c.yml"), configMap("c"))
	write(t, filepath.Join(dir, ".hidden.yaml"), "nonsense")
	write(t, filepath.Join(dir, "notes.txt"), "nonsense")
	write(t, filepath.Join(dir, "sub.yaml", "d.yaml"), "nonsense")
	set, err := resource.Load(dir, filepath.Join(dir, "b.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "b", "c"}, names(set)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if want := filepath.Join(dir, "b.yaml"); set.ConfigMaps[1].Position.File != want {
		t.Errorf("file %s, want %s", set.ConfigMaps[1].Position.File, want)
	}
}

// TestLoadMountedFolder reads a folder as the kubelet lays it out, before and
// after it swaps the link to the data.
func TestLoadMountedFolder(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "..2026_01", "a.yaml"), configMap("before"))
	write(t, filepath.Join(dir, "..2026_02", "a.yaml"), configMap("after"))
	data := filepath.Join(dir, "..data")
	link(t, "..2026_01", data)
	link(t, filepath.Join("..data", "a.yaml"), filepath.Join(dir, "a.yaml"))
	for _, want := range []string{"before", "after"} {
		set, err := resource.Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{want}, names(set)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if err := os.Remove(data); err != nil {
			t.Fatal(err)
		}
		link(t, "..2026_02", data)
	}
}

func link(t *testing.T, target, name string) {
	t.Helper()
	if err := os.Symlink(target, name); err != nil {
		t.Fatal(err)
	}
}

func TestLoadErrors(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	write(t, filepath.Join(empty, "notes.txt"), "")
	broken := filepath.Join(dir, "broken")
	write(t, filepath.Join(broken, "b.yaml"), "a: [")
	link(t, "nowhere", filepath.Join(broken, "a.yaml"))
	absent := filepath.Join(dir, "absent.yaml")

	set, err := resource.Load(absent, empty, broken)
	if set != nil {
		t.Error("a set in spite of errors")
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is no fs.ErrNotExist", err)
	}
	got := strings.Split(strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), ""), "\n")
	want := []string{
		"absent.yaml: no such file or directory",
		"broken/a.yaml: no such file or directory",
		"broken/b.yaml:1:5: cannot read YAML: while parsing a flow node: did not find expected node content",
		"empty: folder has no file that ends in .yaml, .yml or .json",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLoadNothing(t *testing.T) {
	if set, err := resource.Load(); err == nil || set != nil {
		t.Errorf("Load() = %v, %v", set, err)
	}
}

// TestLoadAcrossFiles names both places of what is there twice (LINK-8).
func TestLoadAcrossFiles(t *testing.T) {
	dir := t.TempDir()
	port := "spec: {ports: [{port: 1883}]}\n"
	write(t, filepath.Join(dir, "a.yaml"), listenerHead+port)
	write(t, filepath.Join(dir, "b.yaml"), strings.Replace(listenerHead, "main", "other", 1)+port)
	write(t, filepath.Join(dir, "c.yaml"), listenerHead+"spec: {ports: [{port: 1884}]}\n")
	_, err := resource.Load(dir)
	if err == nil {
		t.Fatal("no error")
	}
	got := strings.Split(strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), ""), "\n")
	want := []string{
		"b.yaml:4:23: spec.ports[0].port: port 1883 is used twice; the first is at a.yaml:4:23",
		"c.yaml:1:1: metadata.name: BrokerListener default/main-listener is defined twice; the first is at a.yaml:1:1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
