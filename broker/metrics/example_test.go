package metrics_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/metrics"
)

func Example() {
	m := metrics.New()
	server := broker.NewServer(broker.Options{Observer: m})
	m.Watch(server)

	mux := http.NewServeMux()
	mux.Handle("GET /metrics", m.Handler())

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, "mqttwarden_sessions ") {
			fmt.Print(line)
		}
	}
	// Output: mqttwarden_sessions 0
}
