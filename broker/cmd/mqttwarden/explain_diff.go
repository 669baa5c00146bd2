package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// difference is that of one port.
type difference struct {
	Port string `json:"port"`
	Old  string `json:"old"`
	New  string `json:"new"`
	mqttauthz.Report
}

func (x *explainer) newDiff() *cobra.Command {
	return &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Say what a change of the policies allows and denies",
		Long: `Diff compares the policies of two files or folders with documents, port by port:
all that is newly allowed and newly denied, each with a client and a topic as an
example. It is a proof and no sample; what it cannot decide is listed. It does not
compare how clients are authenticated.

The exit status is 0 without a difference, 1 with one, 2 if there is no answer.`,
		Example: `  mqttwarden explain diff ./deployed ./reviewed`,
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(x.paths) > 0 || x.rules != "" || x.x509 != "" {
				return unusable(errors.New("diff takes two paths and neither -f nor --rules"))
			}
			all, err := x.compare(cmd.Context(), args[0], args[1])
			if err != nil {
				return unusable(err)
			}
			if x.output == formatJSON {
				err = printJSON(cmd.OutOrStdout(), all)
			} else {
				printDifferences(cmd.OutOrStdout(), all)
			}
			if err != nil {
				return unusable(err)
			}
			return unless(!slices.ContainsFunc(all, func(d difference) bool { return !d.Same() }))
		},
	}
}

// compare compares the policies of each port. One that is not there denies
// everything, as nobody can connect to it.
func (x *explainer) compare(ctx context.Context, oldPath, newPath string) ([]difference, error) {
	before, oldPlan, err := targets([]string{oldPath})
	if err != nil {
		return nil, err
	}
	defer oldPlan.Close()
	after, newPlan, err := targets([]string{newPath})
	if err != nil {
		return nil, err
	}
	defer newPlan.Close()
	var names []string
	for _, t := range append(slices.Clone(before), after...) {
		if t.called(x.port) && !slices.Contains(names, t.name) {
			names = append(names, t.name)
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("neither has a port %q", x.port)
	}
	all := make([]difference, 0, len(names))
	for _, name := range names {
		d := difference{Port: name}
		var policies [2]*mqttauthz.Policy
		policies[0], d.Old = policyOf(before, name)
		policies[1], d.New = policyOf(after, name)
		if d.Report, err = mqttauthz.Diff(ctx, policies[0], policies[1], mqttauthz.DiffOptions{}); err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

func policyOf(all []target, name string) (policy *mqttauthz.Policy, called string) {
	for i := range all {
		if all[i].name != name {
			continue
		}
		if all[i].policy == nil {
			return nil, "missing: the port is closed"
		}
		return all[i].policy, all[i].policyName()
	}
	return nil, "not there"
}

func printDifferences(out io.Writer, all []difference) {
	p := newPainter(out)
	for _, d := range all {
		_, _ = fmt.Fprintf(out, "port %s:", d.Port)
		if d.Old != d.New {
			_, _ = fmt.Fprintf(out, " policy was %s, is %s:", d.Old, d.New)
		}
		if d.Same() {
			_, _ = fmt.Fprintln(out, " no difference")
			continue
		}
		_, _ = fmt.Fprintln(out)
		printList(out, "  newly "+p.verdict(true)+": ", d.Allowed)
		printList(out, "  newly "+p.verdict(false)+": ", d.Denied)
		for _, u := range d.Undecided {
			_, _ = fmt.Fprintf(out, "  not decided: %v %v: %s\n", u.Operation, u.Place, u.Reason)
		}
	}
}
