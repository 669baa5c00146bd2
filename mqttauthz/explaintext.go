package mqttauthz

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// maxAdvice is the number of lines of one kind of advice.
const maxAdvice = 5

// advice says what would have to change for the request to be allowed.
func (t *trial) advice(text string) []string {
	var advice []string
	if len(t.tried) == 0 {
		advice = append(advice, fmt.Sprintf("no rule about this client has a pattern for %v", t.op))
	}
	for _, i := range t.tried {
		if len(advice) >= maxAdvice {
			break
		}
		if a := t.otherValues(i); a != "" {
			advice = append(advice, a)
		}
	}
	return append(advice, t.others(text)...)
}

// otherValues says with which values of its tokens pattern i would match.
func (t *trial) otherValues(i int) string {
	r := t.policy.parse(i)
	bound, ok, _ := bind(&r, t.word, nil)
	if !ok || len(bound) == 0 {
		return ""
	}
	var needs []string
	for _, s := range slices.Sorted(maps.Keys(bound)) {
		if v := t.values.find(s, t.op.use()); v == nil || v.text != bound[s] {
			needs = append(needs, t.policy.shownToken(s)+" were "+quote(bound[s]))
		}
	}
	if len(needs) == 0 {
		return ""
	}
	return fmt.Sprintf("%v would match if %s", t.policy.place(i), strings.Join(needs, " and "))
}

// others names clients that could do the same.
func (t *trial) others(text string) []string {
	h := t.policy.WhoCan(t.op, text)
	var advice []string
	for i, holder := range h.Holders {
		if i == maxAdvice {
			advice = append(advice, fmt.Sprintf("allowed to %d more", len(h.Holders)-i))
			break
		}
		advice = append(advice, "allowed to "+holder.String())
	}
	if len(h.Holders) == 0 && len(h.Undecided) == 0 {
		advice = append(advice, "no client is allowed to, by any rule")
	}
	return advice
}

// String returns the explanation as lines of text.
func (e Explanation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %v", describe(e.Principal, quoteClean), e.Operation)
	if e.Operation != OpConnect {
		b.WriteString(" " + quoteClean(e.Text))
	}
	fmt.Fprintf(&b, "\n%s\n", e.Reason)
	for _, t := range e.Tokens {
		if t.Problem != "" {
			fmt.Fprintf(&b, "  %s %s\n", t.Token, t.Problem)
			continue
		}
		fmt.Fprintf(&b, "  %s is %s\n", t.Token, quoteClean(t.Value))
	}
	for _, r := range e.Rules {
		fmt.Fprintf(&b, "rules[%d] applies: %s\n", r.Rule, strings.Join(r.Because, "; "))
		for _, p := range r.Patterns {
			mark := "-"
			if p.Matches {
				mark = "+"
			}
			pattern := "any client ID"
			if p.Pattern != "" {
				pattern = quote(p.Pattern)
			}
			fmt.Fprintf(&b, "  %s %s: %s\n", mark, pattern, p.Because)
		}
	}
	if e.Others > 0 {
		fmt.Fprintf(&b, "%d more rules do not apply to this client\n", e.Others)
	}
	for _, a := range e.Advice {
		fmt.Fprintf(&b, "* %s\n", a)
	}
	return b.String()
}
