package sat

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/mqttwarden/mqttwarden/internal/strictjson"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// MaxTokenBytes bounds a token (SAT-3). A usual one has about 1,000 bytes.
const MaxTokenBytes = 16 << 10

// latestExpiry is the end of the year 9999, in seconds since 1970. Nothing is
// issued for longer, and larger numbers overflow a time.Time.
const latestExpiry = 253402300799

// segments are written in the one canonical way, so that a token has one text
// (S-43).
var segments = base64.RawURLEncoding.Strict()

// Token is the text of a JSON Web Token in the only form that a Reviewer gets
// to see (SAT-3). Nothing in it is verified. It prints as "[redacted]", and is
// safe for concurrent use.
type Token struct {
	secret    mqttauth.Secret
	header    strictjson.Members
	claims    strictjson.Members
	signature []byte
	expiry    time.Time
	audiences []string
}

// ParseToken reads a token: three canonical base64url segments that are not
// empty, at most MaxTokenBytes in all, surrounded by nothing but ASCII white
// space; header and claims are JSON objects without duplicate members; no
// member of the header asks for an extension (crit) or brings a key; exp and
// aud are there.
//
// The segments are what the API server is not given to trim, split and guess
// at: it takes several texts for the same token, and a space for a valid one.
func ParseToken(s mqttauth.Secret) (*Token, error) {
	text := trim(s)
	if len(text) > MaxTokenBytes {
		return nil, fmt.Errorf("sat: the token has more than %d bytes", MaxTokenBytes)
	}
	t := &Token{secret: s}
	if len(text) < len(s.Reveal()) {
		t.secret = mqttauth.NewSecret(text)
	}
	if err := t.decode(t.secret.Reveal()); err != nil {
		return nil, err
	}
	for _, name := range []string{"crit", "jku", "jwk", "x5u", "x5c"} {
		if _, found := t.header.Get(name); found {
			return nil, fmt.Errorf("sat: token header: %s is not accepted", name)
		}
	}
	if err := t.readClaims(); err != nil {
		return nil, fmt.Errorf("sat: token claims: %w", err)
	}
	return t, nil
}

// trim returns the text of a token without the white space around it (SAT-1).
func trim(s mqttauth.Secret) []byte { return bytes.Trim(s.Reveal(), " \t\r\n\v\f") }

// Secret is the text of the token. It holds nothing but letters, digits, "-",
// "_" and two dots.
func (t *Token) Secret() mqttauth.Secret { return t.secret }

// Expiry is the exp claim, which nobody has verified.
func (t *Token) Expiry() time.Time { return t.expiry }

// Format writes "[redacted]", whatever the verb.
func (t *Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.secret.String()) }

// MarshalText returns "[redacted]"; JSON and slog use it.
func (t *Token) MarshalText() ([]byte, error) { return t.secret.MarshalText() }

func (t *Token) decode(text []byte) error {
	header, rest, _ := bytes.Cut(text, []byte("."))
	claims, signature, ok := bytes.Cut(rest, []byte("."))
	if !ok || bytes.IndexByte(signature, '.') >= 0 {
		return errors.New("sat: the token has not three segments")
	}
	var err error
	room := make([]byte, 0, segments.DecodedLen(len(text))) // for all three
	if t.header, room, err = decodeObject(room, header); err != nil {
		return fmt.Errorf("sat: token header: %w", err)
	}
	if t.claims, room, err = decodeObject(room, claims); err != nil {
		return fmt.Errorf("sat: token claims: %w", err)
	}
	if t.signature, _, err = decodeSegment(room, signature); err != nil {
		return fmt.Errorf("sat: token signature: %w", err)
	}
	return nil
}

var errSegment = errors.New("not canonical base64url")

// decodeSegment decodes into the room behind dst and returns what room is left.
func decodeSegment(dst, segment []byte) (decoded, rest []byte, err error) {
	// The decoder skips line ends.
	if len(segment) == 0 || bytes.IndexByte(segment, '\n') >= 0 || bytes.IndexByte(segment, '\r') >= 0 {
		return nil, nil, errSegment
	}
	decoded, err = segments.AppendDecode(dst, segment)
	if err != nil {
		return nil, nil, errSegment
	}
	return decoded, decoded[len(decoded):], nil
}

func decodeObject(dst, segment []byte) (object strictjson.Members, rest []byte, err error) {
	decoded, rest, err := decodeSegment(dst, segment)
	if err != nil {
		return object, nil, err
	}
	v, err := strictjson.Parse(decoded, strictjson.Limits{Bytes: MaxTokenBytes})
	if err != nil {
		return object, nil, err
	}
	object, err = v.Object()
	return object, rest, err
}

func (t *Token) readClaims() error {
	exp, _ := t.claims.Get("exp")
	seconds, err := exp.Int64()
	if err != nil || seconds <= 0 || seconds > latestExpiry {
		return errors.New("exp is not a whole number of seconds since 1970")
	}
	t.expiry = time.Unix(seconds, 0)
	aud, _ := t.claims.Get("aud")
	if t.audiences, err = audiencesOf(aud); err != nil {
		return errors.New("aud is neither a string nor a list of strings")
	}
	return nil
}

// audiencesOf reads an aud claim (RFC 7519 section 4.1.3).
func audiencesOf(v strictjson.Value) ([]string, error) {
	if v.Kind() == strictjson.String {
		s, err := v.Text()
		return []string{s}, err
	}
	list, err := v.Array()
	if err != nil {
		return nil, err
	}
	texts := make([]string, len(list))
	for i, e := range list {
		if texts[i], err = e.Text(); err != nil {
			return nil, err
		}
	}
	return texts, nil
}

var errNotMeant = errors.New("sat: the token is meant for none of the configured audiences")

// check says whether the claims can be accepted at all (SAT-3, SAT-6).
func (t *Token) check(now time.Time, audiences []string) error {
	if !now.Before(t.expiry) {
		return fmt.Errorf("sat: %w", mqttauth.ErrExpired)
	}
	if !intersect(t.audiences, audiences) {
		return errNotMeant
	}
	return nil
}

// meant returns those of the audiences that the token names.
func (t *Token) meant(audiences []string) []string {
	var both []string
	for _, a := range audiences {
		if slices.Contains(t.audiences, a) {
			both = append(both, a)
		}
	}
	return both
}
