package sat

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// Defaults of a CacheConfig.
const (
	DefaultTTL         = 10 * time.Second
	DefaultMaxEntries  = 4096
	DefaultFetchTime   = 5 * time.Second
	DefaultConcurrency = 16
	DefaultMaxWaiting  = 1024
)

// CacheConfig configures a Cache. The zero value is usable: zero fields mean
// the defaults.
type CacheConfig struct {
	TTL         time.Duration // how long an answer is used; never beyond the token's exp
	MaxEntries  int           // reviews that are kept; and as many accounts
	Timeout     time.Duration // of one review, waiting for its turn included, or one account
	Concurrency int           // reviews at one time; a quarter of it is kept for renewals
	MaxWaiting  int           // requests that wait for their turn: connects, and as many renewals
}

// Cache is a Reviewer and an Annotator that remembers what others said, lets
// requests for the same thing share one question, and bounds how many are asked
// at a time (SAT-8). Who comes when too many wait, or gets no turn in time, is
// told mqttauth.ErrFailed; sources take turns.
//
// Only what accepts is remembered: reviews that meet all of SAT-4, accounts
// whose UID is the one asked for. Tokens are never kept; they are known by an
// HMAC under a key that only this value has.
//
// What is deleted in the cluster is accepted in a CONNECT or AUTH for some time
// after:
//
//   - a service account: for TTL, since its annotations are read beside the
//     review and their absence denies;
//   - a secret or pod that the token is bound to: for TTL and the 10 s for
//     which the API server itself remembers tokens. While it is only being
//     deleted, that begins 60 s after the end of its grace period: a pod with
//     the usual 30 s is accepted for 110 s with a TTL of 10 s;
//   - annotations: the old ones count for TTL.
//
// A client that is connected stays until its token ends, or, if its account is
// gone, for [Config].RevalidateAfter and TTL. With ReviewAgain that is so for a
// secret or pod, too: for RevalidateAfter and the time above.
type Cache struct {
	reviewer  Reviewer
	annotator Annotator
	config    CacheConfig
	secret    []byte    // the key of all HMACs
	hashers   sync.Pool // of *hasher
	queue     *queue

	reviewing flight[[sha256.Size]byte, Review]
	reading   flight[Account, ServiceAccount]
	reviews   memory[[sha256.Size]byte, Review]
	accounts  memory[Account, ServiceAccount]

	hits, asked, failed atomic.Uint64
}

// CacheStats are the figures of a Cache since it was made.
type CacheStats struct {
	Hits     uint64 // tokens that were remembered
	Reviews  uint64 // that the reviewer was asked for
	Failures uint64 // reviews without a verdict
	Entries  int    // tokens in memory, also those whose time is over
}

// Stats returns the present figures.
func (c *Cache) Stats() CacheStats {
	return CacheStats{Hits: c.hits.Load(), Reviews: c.asked.Load(), Failures: c.failed.Load(), Entries: c.reviews.len()}
}

var (
	_ Reviewer  = (*Cache)(nil)
	_ Annotator = (*Cache)(nil)
)

// NewCache returns a cache in front of r and a. A nil a means that the cache is
// only used as a Reviewer. It is an error if r is nil or a limit is negative.
func NewCache(r Reviewer, a Annotator, c CacheConfig) (*Cache, error) {
	switch {
	case r == nil:
		return nil, errors.New("sat: a cache needs a reviewer")
	case c.TTL < 0 || c.MaxEntries < 0 || c.Timeout < 0 || c.Concurrency < 0 || c.MaxWaiting < 0:
		return nil, errors.New("sat: cache: a negative limit; write 0 for the default")
	}
	c.setDefaults()
	cache := &Cache{reviewer: r, annotator: a, config: c, queue: newQueue(c.Concurrency, c.MaxWaiting)}
	cache.secret = make([]byte, sha256.Size)
	_, _ = rand.Read(cache.secret) // never fails
	cache.reviewing.timeout, cache.reading.timeout = c.Timeout, c.Timeout
	cache.reviews.max, cache.accounts.max = c.MaxEntries, c.MaxEntries
	return cache, nil
}

func (c *CacheConfig) setDefaults() {
	if c.TTL == 0 {
		c.TTL = DefaultTTL
	}
	if c.MaxEntries == 0 {
		c.MaxEntries = DefaultMaxEntries
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultFetchTime
	}
	if c.Concurrency == 0 {
		c.Concurrency = DefaultConcurrency
	}
	if c.MaxWaiting == 0 {
		c.MaxWaiting = DefaultMaxWaiting
	}
}

// Review returns what is remembered of the token, or asks.
func (c *Cache) Review(ctx context.Context, r *Request) (Review, error) {
	key := c.key(r.Token.Secret().Reveal(), r.Audiences)
	if e, ok := c.reviews.get(key, time.Now()); ok {
		c.hits.Add(1)
		return e.value, nil
	}
	return c.reviewing.do(ctx, key, func(ctx context.Context) (Review, error) {
		return c.review(ctx, key, r)
	})
}

// recall returns what is remembered of a token, and when the token ends. It
// finds only what was reviewed as a Token, so the text need not be read again.
func (c *Cache) recall(s mqttauth.Secret, audiences []string) (v Review, expiry time.Time, ok bool) {
	text := trim(s)
	if len(text) > MaxTokenBytes {
		return v, expiry, false
	}
	e, ok := c.reviews.get(c.key(text, audiences), time.Now())
	if ok {
		c.hits.Add(1)
	}
	return e.value, e.end, ok
}

func (c *Cache) review(ctx context.Context, key [sha256.Size]byte, r *Request) (Review, error) {
	if e, ok := c.reviews.get(key, time.Now()); ok { // an attempt ended while this one began
		return e.value, nil
	}
	if err := c.queue.enter(ctx, r); err != nil {
		return Review{}, err
	}
	defer c.queue.leave(r)
	c.asked.Add(1)
	v, err := c.reviewer.Review(ctx, r)
	if err != nil {
		c.failed.Add(1)
		return Review{}, err
	}
	if _, err := v.account(r.Audiences); err == nil {
		now := time.Now()
		c.reviews.put(key, v, now, now.Add(c.config.TTL), r.Token.Expiry())
	}
	return v, nil
}

// hasher is what one computation of a key needs, kept for the next.
type hasher struct {
	mac  hash.Hash
	size [8]byte
	sum  [sha256.Size]byte
}

// key stands for the token and the audiences that it is reviewed for. With
// their lengths in front, no two lists give the same bytes.
func (c *Cache) key(token []byte, audiences []string) [sha256.Size]byte {
	h, ok := c.hashers.Get().(*hasher)
	if !ok {
		h = &hasher{mac: hmac.New(sha256.New, c.secret)}
	}
	defer c.hashers.Put(h)
	h.mac.Reset()
	h.add(token)
	for _, a := range audiences {
		h.add([]byte(a))
	}
	h.mac.Sum(h.sum[:0])
	return h.sum
}

func (h *hasher) add(text []byte) {
	binary.BigEndian.PutUint64(h.size[:], uint64(len(text)))
	h.mac.Write(h.size[:])
	h.mac.Write(text)
}

// ServiceAccount returns what is remembered of the account, or asks.
func (c *Cache) ServiceAccount(ctx context.Context, a Account) (ServiceAccount, error) {
	if c.annotator == nil {
		return ServiceAccount{}, errors.New("sat: the cache has no annotator")
	}
	if e, ok := c.accounts.get(a, time.Now()); ok {
		return e.value, nil
	}
	return c.reading.do(ctx, a, func(ctx context.Context) (ServiceAccount, error) {
		s, err := c.annotator.ServiceAccount(ctx, a)
		if err != nil {
			return ServiceAccount{}, err
		}
		if s.UID == a.UID {
			now := time.Now()
			c.accounts.put(a, s, now, now.Add(c.config.TTL), time.Time{})
		}
		return s, nil
	})
}
