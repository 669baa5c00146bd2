package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// say prints an answer, the whole of it or its first line. The error is the
// exit status of a denial.
func (x *explainer) say(cmd *cobra.Command, a *answer, whole bool) error {
	out := cmd.OutOrStdout()
	switch {
	case x.output == formatJSON:
		if err := printJSON(out, a); err != nil {
			return unusable(err)
		}
	case whole:
		a.print(out, newPainter(out))
	default:
		_, _ = fmt.Fprintln(out, newPainter(out).decision(a.Reason, a.Allowed))
		printList(out, "note: ", a.Notes)
	}
	if !a.Allowed {
		return &exit{status: statusFound}
	}
	return nil
}

// decision colours the first word of a reason.
func (p painter) decision(reason string, allowed bool) string {
	first := "denied"
	if allowed {
		first = "allowed"
	}
	if len(reason) < len(first) || reason[:len(first)] != first {
		return reason
	}
	return p.verdict(allowed) + reason[len(first):]
}

func (a *answer) print(out io.Writer, p painter) {
	_, _ = fmt.Fprintln(out, p.decision(a.Reason, a.Allowed))
	_, _ = fmt.Fprintf(out, "port %s, policy %s", a.Port, a.Policy)
	if a.PolicyAt != "" {
		_, _ = fmt.Fprintf(out, " (%s)", a.PolicyAt)
	}
	_, _ = fmt.Fprintln(out)
	for _, m := range a.Methods {
		_, _ = fmt.Fprintf(out, "method %s: %s\n", m.Method, m.Answer)
	}
	if a.Explanation != nil {
		who, rest, _ := strings.Cut(a.Explanation.String(), "\n")
		_, rest, _ = strings.Cut(rest, "\n") // the reason, which is above
		_, _ = fmt.Fprintf(out, "%s\n%s", who, rest)
	}
	for _, rule := range slices.Sorted(maps.Keys(a.RulesAt)) {
		_, _ = fmt.Fprintf(out, "rules[%d] is at %s\n", rule, a.RulesAt[rule])
	}
	printList(out, "note: ", a.Notes)
}

func printList[T any](out io.Writer, prefix string, list []T) {
	for _, v := range list {
		_, _ = fmt.Fprintf(out, "%s%v\n", prefix, v)
	}
}
