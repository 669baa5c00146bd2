package mqttauthz

import "fmt"

// Decision is the answer to one request, with its reason (AUTHZ-15). The zero
// Decision denies because no rule matched. A Decision is comparable and holds
// nothing of the request.
type Decision struct {
	outcome outcome
	rule    uint32
	pattern string
}

type outcome uint8

const (
	deniedNoRule outcome = iota
	deniedMalformed
	deniedReserved
	allowedByRule
	allowedByAll
)

// Allowed reports whether the request may be carried out.
func (d Decision) Allowed() bool { return d.outcome == allowedByRule || d.outcome == allowedByAll }

// Rule returns the index of the rule that allowed the request, -1 if none did.
// Of several rules that allow it, it is one, the same at every call.
func (d Decision) Rule() int {
	if d.outcome != allowedByRule {
		return -1
	}
	return int(d.rule)
}

// Pattern returns the pattern that allowed the request as the rule has it, ""
// when none was needed or none did.
func (d Decision) Pattern() string { return d.pattern }

// String returns the decision and its reason in one line for logs: they never
// hold text of the client.
func (d Decision) String() string {
	switch d.outcome {
	case allowedByRule:
		if d.pattern == "" {
			return fmt.Sprintf("allowed by rules[%d]", d.rule)
		}
		return fmt.Sprintf("allowed by rules[%d]: %q", d.rule, d.pattern)
	case allowedByAll:
		return "allowed: the policy allows everything"
	case deniedMalformed:
		return "denied: malformed topic"
	case deniedReserved:
		return "denied: the topic belongs to the broker"
	default:
		return "denied: no rule allows it"
	}
}
