package sat

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/mqttwarden/mqttwarden/internal/peertext"
)

// Reviewer says whether a token is valid, and whose it is.
//
// A nil error means that there is a verdict, which may be a refusal: a Review
// that is not Authenticated. An error means that there is none; Method takes it
// for an outage, or, if it is mqttauth.ErrFailed, for a load that was too much.
//
// A Reviewer honours the context's end promptly, keeps neither the request nor
// its token, and is safe for concurrent use. [Client], [Verifier], [Cache] and
// [Combined] are Reviewers.
type Reviewer interface {
	Review(ctx context.Context, r *Request) (Review, error)
}

// Annotator reads service accounts. It returns an error that is ErrNoAccount
// if there is no account of that namespace and name, and any other error if it
// cannot tell. It may use the UID of a to find the account but does not vouch
// for it: the caller compares. It is safe for concurrent use. [Client], [Cache] and
// [Combined] are Annotators.
type Annotator interface {
	ServiceAccount(ctx context.Context, a Account) (ServiceAccount, error)
}

// ErrNoAccount says that a service account does not exist. It must come from
// somebody who knows: a server that merely cannot be found is an outage (SAT-5).
var ErrNoAccount = errors.New("sat: the service account does not exist")

// Request is what a Reviewer is asked. It must not be modified.
type Request struct {
	Token     *Token
	Audiences []string   // any of them is enough; never empty, none is ""
	Source    netip.Addr // where the client is; the zero Addr if that is unknown
	Renewal   bool       // a connected client asks, by AUTH (EXP-2)
}

// Review is a verdict, as the status of a TokenReview gives it. It is not an
// acceptance: Method and Cache apply all of SAT-4 to it, whoever made it. The
// zero Review refuses.
type Review struct {
	Authenticated bool
	Username      string   // "system:serviceaccount:NAMESPACE:NAME"
	UID           string   // of the service account
	Audiences     []string // of those asked for, the ones that the token is meant for
	Problem       string   // why the token is refused, for logs
}

// Account names a service account. Accounts of one name that exist one after
// the other differ in UID.
type Account struct {
	Namespace, Name, UID string
}

// ServiceAccount is what the API server stores of a service account. It must
// not be modified.
type ServiceAccount struct {
	UID         string
	Annotations map[string]string
}

// account returns whom v accepts, if it does (SAT-4). A token of white space
// comes back authenticated, for the audience asked, as system:anonymous: that
// is why nothing but the whole of it counts.
func (v *Review) account(audiences []string) (Account, error) {
	switch {
	case !v.Authenticated && v.Problem != "":
		return Account{}, fmt.Errorf("sat: the token is refused: %s", peertext.Clean(v.Problem))
	case !v.Authenticated:
		return Account{}, errors.New("sat: the token is refused")
	case !intersect(v.Audiences, audiences):
		return Account{}, errors.New("sat: the token is reviewed for none of the configured audiences")
	case v.UID == "":
		return Account{}, errors.New("sat: the reviewed service account has no UID")
	}
	a, err := parseUsername(v.Username)
	a.UID = v.UID
	return a, err
}

func intersect(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return s != "" && slices.Contains(b, s) })
}

const usernamePrefix = "system:serviceaccount:"

// parseUsername reads the user name of a service account. Both names become
// parts of a URL and of an identity, so they are held to their alphabet.
func parseUsername(s string) (Account, error) {
	rest, isAccount := strings.CutPrefix(s, usernamePrefix)
	namespace, name, two := strings.Cut(rest, ":")
	if !isAccount || !two || !isName(namespace, 63, false) || !isName(name, 253, true) {
		return Account{}, fmt.Errorf("sat: user %q is not a service account", peertext.Clean(s))
	}
	return Account{Namespace: namespace, Name: name}, nil
}

// isName reports whether s is a DNS label (RFC 1123), or with dots a subdomain.
func isName(s string, most int, dots bool) bool {
	if s == "" || len(s) > most {
		return false
	}
	edge := true // the next character begins a label
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9':
			edge = false
		case c == '-' && !edge && i+1 < len(s) && s[i+1] != '.':
		case c == '.' && dots && !edge:
			edge = true
		default:
			return false
		}
	}
	return !edge
}
