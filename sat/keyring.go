package sat

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/mqttwarden/mqttwarden/mqttauth"
)

const (
	refreshAtMost = time.Minute      // between two readings of the key set that tokens bring about
	refreshAfter  = 10 * time.Minute // old keys are read again, in case one was withdrawn
)

// keyring holds the keys of a set that is read from a file or a URL. Keys that
// have been read count until another set has been.
type keyring struct {
	file   string
	url    *url.URL
	link   link
	flight flight[bool, map[string]key]

	mu      sync.Mutex
	keys    map[string]key
	tried   time.Time // when the set was last asked for
	fetched time.Time // when the asking began that brought the keys; zero: never
}

var (
	errUnknownKey = errors.New("sat: the token is signed with a key that is not in the key set")
	errNotDue     = errors.New("sat: the key set was asked for a moment ago")
)

// What attempts to read the set there are.
const (
	asDue  = false
	atOnce = true
)

// find returns the key of that ID. For an unknown one the set is read again,
// but at most once a minute. Only a set that was asked for after the token was
// there proves that there is no such key: errUnknownKey. Anything less is no
// verdict, since a cluster that has just changed its keys would lose clients
// that give up when they are refused; and once there are keys it is no outage
// either, since anybody can name one that is unknown (AUTHN-5).
func (r *keyring) find(ctx context.Context, id string) (key, error) {
	k, known, old := r.look(id, time.Now())
	if known {
		if old {
			r.flight.start(ctx, asDue, r.readIfDue)
		}
		return k, nil
	}
	keys, err := r.flight.do(ctx, asDue, r.readIfDue)
	k, known = keys[id]
	switch {
	case known:
		return k, nil
	case err == nil:
		return key{}, errUnknownKey
	case keys != nil:
		return key{}, fmt.Errorf("sat: the token is signed with a key that is not in the key set: %w: %w", mqttauth.ErrFailed, err)
	default:
		return key{}, err
	}
}

// look also says whether the keys are so old that they are to be read again.
func (r *keyring) look(id string, now time.Time) (k key, known, old bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k, known = r.keys[id]
	old = now.Sub(r.fetched) >= refreshAfter && now.Sub(r.tried) >= refreshAtMost
	return k, known, old
}

// readIfDue reads the set, if that was not tried in the last minute. With an
// error come the keys that there are.
func (r *keyring) readIfDue(ctx context.Context) (map[string]key, error) {
	r.mu.Lock()
	keys, due := r.keys, r.tried.IsZero() || time.Since(r.tried) >= refreshAtMost
	r.mu.Unlock()
	if !due {
		return keys, errNotDue
	}
	return r.read(ctx)
}

// read reads the set. On error the old keys stay, and are returned with it.
func (r *keyring) read(ctx context.Context) (map[string]key, error) {
	now := time.Now()
	r.mu.Lock()
	r.tried = now
	old := r.keys
	r.mu.Unlock()
	body, err := r.fetch(ctx)
	if err != nil {
		return old, fmt.Errorf("sat: key set: %w", err)
	}
	keys, err := parseKeySet(body)
	if err != nil {
		return old, fmt.Errorf("sat: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys, r.fetched = keys, now
	return keys, nil
}

func (r *keyring) fetch(ctx context.Context) ([]byte, error) {
	if r.url == nil {
		return readFile(r.file)
	}
	reply, err := r.link.do(ctx, call{
		method: http.MethodGet, url: r.url, limit: maxKeySet,
		accept: "application/jwk-set+json, application/json",
	})
	switch {
	case err != nil:
		return nil, err
	case reply.status != http.StatusOK:
		return nil, errors.New(explain(reply))
	}
	return reply.body, nil
}
