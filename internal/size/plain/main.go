// Command plain is what every program is that makes a request over TLS and
// verifies a signature. What others are larger by is the price of the packages
// they use.
package main

import (
	"encoding/json"
	"net/http"
	"os"
)

func main() {
	if err := run(os.Args[1]); err != nil {
		println(err.Error())
		os.Exit(1)
	}
}

func run(url string) error {
	response, err := http.Get(url)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	var v map[string]any
	return json.NewDecoder(response.Body).Decode(&v)
}
