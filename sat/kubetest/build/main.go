// Command build builds the programs that package kubetest runs, unless they are
// built already, and prints the folder that holds them.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/mqttwarden/mqttwarden/sat/kubetest"
)

func main() {
	folder, err := kubetest.Build(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(folder)
}
