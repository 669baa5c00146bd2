package customauth

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/mqttwarden/mqttwarden/internal/strictjson"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// Authenticator decides about clients, for a Handler. It is called by many
// requests at once. The context ends when the broker gives up.
//
// An error says that there is no decision: the broker gets status 500, which no
// broker takes for a verdict, and nothing of what the error says.
type Authenticator interface {
	// Connect decides about a client that connects.
	Connect(ctx context.Context, r *ConnectRequest) (Answer, error)

	// Auth decides about the new credential of a client that reauthenticates.
	// The broker compares the attributes with those of before.
	Auth(ctx context.Context, r *AuthRequest) (Answer, error)
}

// ConnectRequest is what a client presented in CONNECT and its TLS handshake.
// The broker has verified none of it.
type ConnectRequest struct {
	Username     string
	HasUsername  bool
	Password     mqttauth.Secret     // absent is not empty
	Certificates []*x509.Certificate // leaf first; verify them
	Enhanced     *Enhanced           // nil: none
}

// AuthRequest is what a client presented in an AUTH packet.
type AuthRequest struct {
	Enhanced Enhanced
}

// Enhanced is the enhanced authentication of MQTT 5.0, section 4.12.
type Enhanced struct {
	Method string
	Data   mqttauth.Secret // absent is not empty
}

// Handler is the server's side of the interface: an http.Handler that reads
// requests strictly, asks an Authenticator, and writes its answer. Serve it with
// TLS only: requests carry passwords.
type Handler struct {
	// Authenticator decides. Nil: every request gets status 500.
	Authenticator Authenticator

	// PlainMethod takes the Authentication Method as it is, for a broker that
	// does not send it in base64.
	PlainMethod bool

	// Logger gets what the broker is not told: errors and panics of the
	// Authenticator. Nil: nothing is logged.
	Logger *slog.Logger
}

var _ http.Handler = (*Handler)(nil)

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if status, text := checkRequest(r); status != 0 {
		if status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", http.MethodPost)
		}
		writeText(w, status, text)
		return
	}
	if v := version(r.URL); v != APIVersion {
		if v == "" {
			writeText(w, http.StatusBadRequest, "want one api-version in the query")
			return
		}
		writeJSON(w, http.StatusUnprocessableEntity, []byte(`{"supportedVersions":["`+APIVersion+`"]}`))
		return
	}
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	defer clear(b)
	if tooLong := new(http.MaxBytesError); errors.As(err, &tooLong) {
		writeText(w, http.StatusRequestEntityTooLarge, "the body is longer than 64 KiB")
		return
	}
	if err != nil {
		writeText(w, http.StatusBadRequest, "the body broke off")
		return
	}
	h.decide(w, r, b)
}

// checkRequest looks at everything but version and body.
func checkRequest(r *http.Request) (status int, text string) {
	switch {
	case r.URL.Path != "/":
		return http.StatusNotFound, "requests go to /"
	case r.Method != http.MethodPost:
		return http.StatusMethodNotAllowed, "want POST"
	}
	// Some brokers leave it out; the published sample puts up with that.
	if given := r.Header["Content-Type"]; len(given) > 1 || len(given) == 1 && !strings.EqualFold(given[0], mediaType) {
		return http.StatusBadRequest, "want Content-Type: " + mediaType + ", without parameters"
	}
	return 0, ""
}

// version returns the one api-version of the query, "" if there is not one. The
// letter case of the key does not matter.
func version(u *url.URL) string {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return ""
	}
	var found []string
	for key, values := range query {
		if strings.EqualFold(key, "api-version") {
			found = append(found, values...)
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

func (h *Handler) decide(w http.ResponseWriter, r *http.Request, body []byte) {
	request, err := readRequest(body, h.PlainMethod)
	if err != nil {
		writeText(w, http.StatusBadRequest, err.Error())
		return
	}
	answer, err := h.ask(r.Context(), request)
	if err != nil {
		h.log("no decision", "error", err)
		writeText(w, http.StatusInternalServerError, "no decision")
		return
	}
	status, out, err := answer.encode()
	if err != nil {
		h.log("an answer that cannot be sent", "error", err)
		writeText(w, http.StatusInternalServerError, "no decision")
		return
	}
	writeJSON(w, status, out)
}

// ask calls the authenticator. A panic would cut the connection, which a broker
// takes for an outage, and an outage may lead to the next method: no client's
// request may bring that about, so it becomes an error.
func (h *Handler) ask(ctx context.Context, request any) (answer Answer, err error) {
	defer func() {
		if p := recover(); p != nil { // its value may be a credential
			h.log("panic", "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			answer, err = Answer{}, errors.New("the authenticator panicked")
		}
	}()
	if h.Authenticator == nil {
		return Answer{}, errors.New("there is no authenticator")
	}
	switch request := request.(type) {
	case *ConnectRequest:
		return h.Authenticator.Connect(ctx, request)
	case *AuthRequest:
		return h.Authenticator.Auth(ctx, request)
	default:
		return Answer{}, errors.New("unknown request")
	}
}

func (h *Handler) log(message string, args ...any) {
	if h.Logger != nil {
		h.Logger.Error("authentication server: "+message, args...)
	}
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	write(w, status, []byte(text+"\n"))
}

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", mediaType)
	write(w, status, body)
}

func write(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a broker that is gone needs no answer
}

// readRequest returns a *ConnectRequest or an *AuthRequest. Its errors quote
// nothing of the body.
func readRequest(body []byte, plainMethod bool) (any, error) {
	doc, err := strictjson.Parse(body, strictjson.Limits{Bytes: MaxBody})
	if err != nil {
		return nil, err
	}
	members, err := doc.Object()
	if err != nil {
		return nil, err
	}
	r := reader{members: members, plainMethod: plainMethod}
	kind, _ := r.text("type")
	enhanced := r.enhanced()
	switch {
	case r.err != nil:
		return nil, r.err
	case kind == kindAuth && enhanced != nil:
		return &AuthRequest{Enhanced: *enhanced}, nil
	case kind == kindAuth:
		return nil, errors.New("enhancedAuthentication is missing")
	case kind != kindConnect:
		return nil, errors.New(`type is neither "connect" nor "auth"`)
	}
	request := &ConnectRequest{Password: r.secret("password"), Certificates: r.certificates(), Enhanced: enhanced}
	request.Username, request.HasUsername = r.text("username")
	return request, r.err
}
