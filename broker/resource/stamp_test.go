package resource_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mqttwarden/mqttwarden/broker/resource"
)

func TestStamp(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "documents")
	file := filepath.Join(dir, "a.yaml")
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	write := func(path, text string) func() {
		return func() { do(os.WriteFile(path, []byte(text), 0o600)) }
	}
	// Each step, and whether it changes what Load would read.
	steps := []struct {
		name    string
		do      func()
		changes bool
	}{
		{"a folder appears", func() { do(os.Mkdir(dir, 0o700)) }, true},
		{"a document appears", write(file, "x"), true},
		{"nothing", func() {}, false},
		{"its length changes", write(file, "xy"), true},
		{"its time changes", func() { do(os.Chtimes(file, time.Time{}, time.Now().Add(time.Hour))) }, true},
		{"something that is no document appears", write(filepath.Join(dir, "serve.log"), "x"), false},
		{"a hidden file appears", write(filepath.Join(dir, ".a.yaml.swp"), "x"), false},
		{"another document appears", write(filepath.Join(dir, "b.json"), "{}"), true},
		{"it goes", func() { do(os.Remove(filepath.Join(dir, "b.json"))) }, true},
		{"the folder is replaced by a link", func() {
			do(os.Rename(dir, dir+"1"))
			do(os.Mkdir(dir+"2", 0o700))
			write(filepath.Join(dir+"2", "a.yaml"), "other text")()
			do(os.Symlink(dir+"2", dir))
		}, true},
		{"the link points elsewhere", func() {
			do(os.Remove(dir))
			do(os.Symlink(dir+"1", dir))
		}, true},
		{"the folder goes", func() { do(os.RemoveAll(dir + "1")) }, true},
	}
	before := resource.Stamp(dir)
	for _, s := range steps {
		s.do()
		after := resource.Stamp(dir)
		if (before != after) != s.changes {
			t.Errorf("%s: changed %v, want %v\n%s", s.name, before != after, s.changes, after)
		}
		before = after
	}
}
