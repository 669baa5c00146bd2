package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mqttwarden/mqttwarden/broker/resource"
	"github.com/mqttwarden/mqttwarden/internal/peertext"
	"github.com/mqttwarden/mqttwarden/internal/strictjson"
)

// unverified is said of every token: explain does not know the cluster's keys.
const unverified = "THE SIGNATURE OF THE TOKEN IS NOT VERIFIED: anybody can write such claims"

// byToken reads the claims of a service account token, and refuses what every
// review would refuse (SAT-3, SAT-4, SAT-6).
func (f *finding) byToken(t *target, path string) error {
	text, err := readSmall(path)
	if err != nil {
		return err
	}
	c, err := readClaims(text)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	m, err := t.method(resource.MethodServiceAccountToken)
	if err != nil {
		return err
	}
	f.notes = append(f.notes, unverified)
	if problem := c.problem(time.Now(), m.ServiceAccountToken); problem != "" {
		f.refused = true
		f.steps = []step{{string(m.Kind), peertext.Clean("denied: " + problem)}}
		return nil
	}
	f.notes = append(f.notes, fmt.Sprintf("the token is of service account %q until %s; it gives no username (SAT-7)",
		peertext.Clean(c.account), c.expiry.UTC().Format("2006-01-02 15:04:05 MST")))
	if len(f.who.Attributes) == 0 {
		f.notes = append(f.notes, "attributes are annotations of the service account, aio-broker-auth/NAME; none is given by --attribute NAME=VALUE")
	}
	return nil
}

// claims are those of a token, not verified.
type claims struct {
	account   string // "NAMESPACE/NAME"
	audiences []string
	expiry    time.Time
}

// readClaims reads the claims of a token, or the claims alone.
func readClaims(text []byte) (*claims, error) {
	text = bytes.TrimSpace(text)
	if !bytes.HasPrefix(text, []byte("{")) {
		parts := bytes.Split(text, []byte("."))
		if len(parts) != 3 {
			return nil, errors.New("neither a token, which has three segments, nor claims in JSON")
		}
		decoded, err := base64.RawURLEncoding.AppendDecode(nil, parts[1])
		if err != nil {
			return nil, errors.New("the second segment of the token is not base64url")
		}
		text = decoded
	}
	v, err := strictjson.Parse(text, strictjson.Limits{})
	if err != nil {
		return nil, fmt.Errorf("claims: %w", err)
	}
	object, err := v.Object()
	if err != nil {
		return nil, fmt.Errorf("claims: %w", err)
	}
	return newClaims(object)
}

func newClaims(object strictjson.Members) (*claims, error) {
	sub, _ := object.Get("sub")
	subject, err := sub.Text()
	if err != nil {
		return nil, errors.New("claim sub is no string")
	}
	account, ok := strings.CutPrefix(subject, "system:serviceaccount:")
	namespace, name, more := strings.Cut(account, ":")
	if !ok || !more || namespace == "" || name == "" {
		return nil, errors.New("claim sub is not system:serviceaccount:NAMESPACE:NAME")
	}
	exp, _ := object.Get("exp")
	seconds, err := exp.Int64()
	if err != nil {
		return nil, errors.New("claim exp is not a whole number of seconds since 1970")
	}
	aud, _ := object.Get("aud")
	audiences, err := textsOf(aud)
	if err != nil {
		return nil, errors.New("claim aud is neither a string nor a list of strings")
	}
	return &claims{account: namespace + "/" + name, audiences: audiences, expiry: time.Unix(seconds, 0)}, nil
}

func textsOf(v strictjson.Value) ([]string, error) {
	if v.Kind() == strictjson.String {
		s, err := v.Text()
		return []string{s}, err
	}
	list, err := v.Array()
	if err != nil {
		return nil, err
	}
	texts := make([]string, len(list))
	for i := range list {
		if texts[i], err = list[i].Text(); err != nil {
			return nil, err
		}
	}
	return texts, nil
}

// problem says why nobody can accept the claims, "" if there is no reason.
func (c *claims) problem(now time.Time, t *resource.ServiceAccountToken) string {
	namespace, _, _ := strings.Cut(c.account, "/")
	switch {
	case !now.Before(c.expiry):
		return fmt.Sprintf("the token expired at %s", c.expiry.UTC().Format("2006-01-02 15:04:05 MST"))
	case !slices.ContainsFunc(c.audiences, func(a string) bool { return slices.Contains(t.Audiences, a) }):
		return fmt.Sprintf("the token is meant for the audiences %q, and the documents want one of %q", c.audiences, t.Audiences)
	case t.Namespaces != nil && !slices.Contains(t.Namespaces, namespace): // SAT-10
		return fmt.Sprintf("the service account is of namespace %q, and the documents accept those of %q", namespace, t.Namespaces)
	}
	return ""
}
