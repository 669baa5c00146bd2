package tokenreview_test

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/sat"
)

const (
	audience  = "my-audience"
	namespace = "azure-iot-operations"
	name      = "mqtt-client"
	uid       = "1f3a4c1e-98b1-4a5e-8f2f-0c8b7c1f5a10"
)

var mqttClient = sat.Account{Namespace: namespace, Name: name, UID: uid}

// apiServer is as much of an API server as the package needs: it accepts the
// tokens of one service account, and shows that account.
type apiServer struct {
	*httptest.Server
	mu       sync.Mutex
	account  *metadata           // nil: deleted
	requests map[string]int      // by method and path, "watch" for watches
	headers  map[string]string   // of the last request: Authorization
	watches  map[chan event]bool // open
	refuse   bool                // to list and watch
}

type metadata struct {
	Name            string            `json:"name,omitempty"`
	Namespace       string            `json:"namespace,omitempty"`
	UID             string            `json:"uid,omitempty"`
	ResourceVersion string            `json:"resourceVersion"`
	Annotations     map[string]string `json:"annotations,omitempty"`
}

type event struct {
	Type   string `json:"type"`
	Object object `json:"object"`
}

type object struct {
	Kind       string   `json:"kind"`
	APIVersion string   `json:"apiVersion"`
	Metadata   metadata `json:"metadata"`
}

func partial(m metadata) object {
	return object{"PartialObjectMetadata", "meta.k8s.io/v1", m}
}

func serve(t *testing.T) *apiServer {
	t.Helper()
	s := &apiServer{
		account:  &metadata{name, namespace, uid, "1", map[string]string{"aio-broker-auth/floor": "1"}},
		requests: make(map[string]int), headers: make(map[string]string), watches: make(map[chan event]bool),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /apis/authentication.k8s.io/v1/tokenreviews", s.review)
	mux.HandleFunc("GET /api/v1/namespaces/{namespace}/serviceaccounts/{name}", s.get)
	mux.HandleFunc("GET /api/v1/namespaces/{namespace}/serviceaccounts", s.list)
	mux.HandleFunc("GET /api/v1/serviceaccounts", s.list)
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.headers["Authorization"] = r.Header.Get("Authorization")
		key := r.Method + " " + r.URL.Path
		if r.URL.Query().Get("watch") != "" {
			key = "watch"
		}
		s.requests[key]++
		s.mu.Unlock()
		mux.ServeHTTP(w, r)
	}))
	s.EnableHTTP2 = true
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// config is what a kubeconfig or a pod says of the server.
func (s *apiServer) config() *rest.Config {
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	return &rest.Config{Host: s.URL, BearerToken: "ours", TLSClientConfig: rest.TLSClientConfig{CAData: ca}}
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func (s *apiServer) review(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusCreated, map[string]any{
		"kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1",
		"status": map[string]any{
			"authenticated": true, "audiences": []string{audience},
			"user": map[string]any{"username": "system:serviceaccount:" + namespace + ":" + name, "uid": uid},
		},
	})
}

func (s *apiServer) get(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.account; a != nil && r.PathValue("name") == a.Name && r.PathValue("namespace") == a.Namespace {
		answer(w, http.StatusOK, partial(*a))
		return
	}
	answer(w, http.StatusNotFound, map[string]any{
		"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404,
		"details": map[string]any{"kind": "serviceaccounts", "name": r.PathValue("name")},
	})
}

func (s *apiServer) list(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	refuse := s.refuse
	var items []object
	if s.account != nil {
		items = append(items, partial(*s.account))
	}
	s.mu.Unlock()
	switch {
	case refuse:
		answer(w, http.StatusForbidden, map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403})
	case r.URL.Query().Get("watch") != "":
		s.watch(w, r, items)
	default:
		answer(w, http.StatusOK, map[string]any{
			"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata{ResourceVersion: "1"}, "items": items,
		})
	}
}

// watch streams events; first, if it is asked for, those that make up the list.
func (s *apiServer) watch(w http.ResponseWriter, r *http.Request, items []object) {
	events := make(chan event)
	s.mu.Lock()
	s.watches[events] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watches, events)
	}()
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	send := func(e event) {
		_ = json.NewEncoder(w).Encode(e)
		_ = http.NewResponseController(w).Flush()
	}
	if r.URL.Query().Get("sendInitialEvents") == "true" {
		for _, o := range items {
			send(event{"ADDED", o})
		}
		send(event{"BOOKMARK", partial(metadata{ResourceVersion: "1", Annotations: map[string]string{"k8s.io/initial-events-end": "true"}})})
	}
	_ = http.NewResponseController(w).Flush()
	for {
		select {
		case e := <-events:
			send(e)
		case <-r.Context().Done():
			return
		}
	}
}

// tell sends an event on every watch.
func (s *apiServer) tell(t *testing.T, e event) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.watches) == 0 {
		t.Error("nobody watches")
	}
	for events := range s.watches {
		select {
		case events <- e:
		case <-time.After(10 * time.Second):
			t.Error("a watch takes no event")
		}
	}
}

func (s *apiServer) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *apiServer) asked(key string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[key]
}

// request is about a token that nobody verifies here.
func request(t *testing.T) *sat.Request {
	t.Helper()
	enc := base64.RawURLEncoding.EncodeToString
	claims := fmt.Sprintf(`{"aud":[%q],"exp":%d}`, audience, time.Now().Add(time.Hour).Unix())
	token, err := sat.ParseToken(mqttauth.NewSecret([]byte(enc([]byte(`{"alg":"RS256"}`)) + "." + enc([]byte(claims)) + "." + enc([]byte("x")))))
	if err != nil {
		t.Fatal(err)
	}
	return &sat.Request{Token: token, Audiences: []string{audience}}
}
