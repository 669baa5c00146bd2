package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// holders are those who can do one thing.
type holders struct {
	Operation mqttauthz.Operation `json:"operation"`
	mqttauthz.Holders
}

func (x *explainer) newWhoCan() *cobra.Command {
	var action string
	cmd := &cobra.Command{
		Use:   "who-can -f PATH TOPIC",
		Short: "Name the clients that can use a topic",
		Long: `Who-can names the clients that can publish to a topic and subscribe to it, or to
a filter, by the rules alone: each kind of client with the least that it has. With
--action it names those that can do one thing: connect with a client ID, publish,
subscribe, or read or write a key of the state store.

The exit status is 0 if somebody can, 1 if nobody can, 2 if there is no answer.`,
		Example: `  mqttwarden explain who-can -f ./mqttwarden-demo telemetry/temperature
  mqttwarden explain who-can -f ./mqttwarden-demo --action connect heater`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ops := []mqttauthz.Operation{mqttauthz.OpPublish, mqttauthz.OpSubscribe}
			if action != "" {
				ops = ops[:1]
				if err := ops[0].UnmarshalText([]byte(action)); err != nil {
					return unusable(fmt.Errorf("--action %s: there is connect, publish, subscribe, read and write", action))
				}
			}
			return x.whoCan(cmd, ops, args[0])
		},
	}
	cmd.Flags().StringVar(&action, "action", "", "connect, publish, subscribe, read or write (default publish and subscribe)")
	complete(cmd, "action", "connect", "publish", "subscribe", "read", "write")
	return cmd
}

func (x *explainer) whoCan(cmd *cobra.Command, ops []mqttauthz.Operation, text string) error {
	t, plan, err := x.target()
	if err != nil {
		return unusable(err)
	}
	defer plan.Close()
	var all []holders
	somebody := false
	for _, op := range ops {
		h := holders{op, t.policy.WhoCan(op, text)}
		somebody = somebody || h.Everybody || len(h.Holders.Holders) > 0
		all = append(all, h)
	}
	if x.output == formatJSON {
		err = printJSON(cmd.OutOrStdout(), all)
	} else {
		for _, h := range all {
			h.print(cmd.OutOrStdout())
		}
	}
	if err != nil {
		return unusable(err)
	}
	return unless(somebody)
}

// unless is the exit status of a no.
func unless(yes bool) error {
	if yes {
		return nil
	}
	return &exit{status: statusFound}
}

func (h *holders) print(out io.Writer) {
	_, _ = fmt.Fprintf(out, "%v:\n", h.Operation)
	switch {
	case h.Nobody != "":
		_, _ = fmt.Fprintf(out, "  nobody: %s\n", h.Nobody)
	case h.Everybody:
		_, _ = fmt.Fprintln(out, "  everybody: the policy allows everything")
	case len(h.Holders.Holders)+len(h.Undecided) == 0:
		_, _ = fmt.Fprintln(out, "  nobody: no rule allows it")
	}
	printList(out, "  ", h.Holders.Holders)
	printList(out, "  perhaps somebody, by ", h.Undecided)
}

// rights are what one client can do.
type rights struct {
	Port    string            `json:"port"`
	Policy  string            `json:"policy"`
	Refused string            `json:"refused,omitempty"`
	Methods []step            `json:"methods,omitempty"`
	Rights  []mqttauthz.Right `json:"rights"`
	Notes   []string          `json:"notes,omitempty"`
}

func (x *explainer) newWhatCan() *cobra.Command {
	var client clientFlags
	cmd := &cobra.Command{
		Use:   "what-can -f PATH",
		Short: "List what a client can do",
		Long: `What-can lists all patterns that a client ends up with, its own values in the place
of tokens.

The exit status is 0 if it can do something, 1 if it can do nothing, 2 if there
is no answer.`,
		Example: `  mqttwarden explain what-can -f ./mqttwarden-demo --certificate mqttwarden-demo/thermostat.crt
  mqttwarden explain what-can -f ./mqttwarden-demo --attribute manufacturer=fabrikam`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return x.whatCan(cmd, &client) },
	}
	client.add(cmd)
	return cmd
}

func (x *explainer) whatCan(cmd *cobra.Command, flags *clientFlags) error {
	t, plan, err := x.target()
	if err != nil {
		return unusable(err)
	}
	defer plan.Close()
	client, err := flags.client(cmd.Context(), t, mqttauthz.Principal{})
	if err != nil {
		return unusable(err)
	}
	r := rights{Port: t.name, Policy: t.policyName(), Notes: client.notes, Methods: client.steps, Rights: []mqttauthz.Right{}}
	if client.refused {
		r.Refused = "authentication refuses the client"
	} else {
		r.Rights = append(r.Rights, t.policy.WhatCan(client.who)...)
	}
	if x.output == formatJSON {
		err = printJSON(cmd.OutOrStdout(), r)
	} else {
		r.print(cmd.OutOrStdout())
	}
	if err != nil {
		return unusable(err)
	}
	return unless(r.some())
}

// some reports whether any pattern can match something.
func (r *rights) some() bool {
	for _, right := range r.Rights {
		if right.Void == "" {
			return true
		}
	}
	return false
}

func (r *rights) print(out io.Writer) {
	if r.Refused != "" {
		_, _ = fmt.Fprintln(out, "nothing: "+r.Refused)
		for _, m := range r.Methods {
			_, _ = fmt.Fprintf(out, "method %s: %s\n", m.Method, m.Answer)
		}
	} else if len(r.Rights) == 0 {
		_, _ = fmt.Fprintln(out, "nothing: no rule is about this client")
	}
	printList(out, "", r.Rights)
	printList(out, "note: ", r.Notes)
}
