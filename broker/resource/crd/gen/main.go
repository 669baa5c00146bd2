// Command gen writes the CustomResourceDefinitions in broker/resource/crd and the
// JSON Schemas in broker/resource/schema from the types in its folders:
//
//	go run .
//
// The types say in markers of controller-tools what a schema can say, and in CEL
// what it cannot. They are strict where package broker/resource is; whatever that
// accepts, the schemas accept too.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	files, err := generate()
	if err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
	for name, data := range files {
		path := filepath.FromSlash(name)
		err := os.MkdirAll(filepath.Dir(path), 0o755) //nolint:gosec // to be read by everybody
		if err == nil {
			err = os.WriteFile(path, data, 0o644) //nolint:gosec // to be read by everybody
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "gen:", err)
			os.Exit(1)
		}
	}
}
