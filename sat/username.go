package sat

import "strings"

// UsernameForms is a set of the forms that a user name has when the password
// beside it is a token (SAT-2). The zero value is none: only clients with
// enhanced authentication present tokens.
type UsernameForms byte

// The forms of the documents' versions.
const (
	UsernameK8SSAT UsernameForms = 1 << iota // starts with "K8S-SAT": v1 and v1beta1
	UsernameSAT                              // "$sat", or starts with "sat://": v1alpha4
)

// Match reports whether a user name has one of the forms. The password method
// of the same chain takes it as its IsToken (PASS-1).
func (f UsernameForms) Match(username string) bool {
	return f&UsernameK8SSAT != 0 && strings.HasPrefix(username, AuthMethod) ||
		f&UsernameSAT != 0 && (username == "$sat" || strings.HasPrefix(username, "sat://"))
}
