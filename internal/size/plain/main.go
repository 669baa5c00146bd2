// Command plain is what every program is that makes a request over TLS. What
// others are larger by is the price of the packages they use.
package main

import (
	"context"
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
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	var v map[string]any
	return json.NewDecoder(response.Body).Decode(&v)
}
