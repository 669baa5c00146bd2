package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// question is one request of one client.
type question struct {
	port   string // "": as the flag says
	who    mqttauthz.Principal
	op     mqttauthz.Operation
	text   string
	logged *logged // nil: not from the log
}

// answer is what explain says to a question.
type answer struct {
	Port     string `json:"port"`
	Policy   string `json:"policy"`
	PolicyAt string `json:"policyAt,omitempty"`

	// Stage is where the decision is made: authentication or authorization.
	// What was logged for another reason has "other".
	Stage   string `json:"stage"`
	Allowed bool   `json:"allowed"`
	Reason  string `json:"reason"`

	Methods     []step                 `json:"methods,omitempty"`
	Explanation *mqttauthz.Explanation `json:"explanation,omitempty"`
	RulesAt     map[int]string         `json:"rulesAt,omitempty"`
	Logged      *logged                `json:"logged,omitempty"`
	Notes       []string               `json:"notes,omitempty"`
}

const (
	stageAuthentication = "authentication"
	stageAuthorization  = "authorization"
	stageOther          = "other"
)

func (x *explainer) newDecide() *cobra.Command {
	var client clientFlags
	cmd := &cobra.Command{
		Use:     "decide -f PATH ACTION [TEXT]",
		Short:   "Say whether a client may do something",
		Long:    longAction("Decide says in one line whether a client may do something, and by which rule."),
		Example: `  mqttwarden explain decide -f ./mqttwarden-demo --username heater --client-id heater subscribe telemetry/+`,
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			q, err := readAction(args)
			if err != nil {
				return unusable(err)
			}
			a, err := x.ask(cmd.Context(), q, &client)
			if err != nil {
				return unusable(err)
			}
			return x.say(cmd, a, false)
		},
	}
	client.add(cmd)
	cmd.ValidArgsFunction = completeAction
	return cmd
}

func (x *explainer) newWhy() *cobra.Command {
	var client clientFlags
	cmd := &cobra.Command{
		Use:   "why -f PATH {ACTION [TEXT] | LOG LINE}",
		Short: "Say why a client may do something, or why it was denied",
		Long: longAction(`Why tells the whole story of a decision: the rules about the client, every pattern
tried, and what would have to change.

Instead of an action it takes a line of the broker's log or audit log about a
client that was refused, cut off or denied something, in text or JSON: between ' and ', as the
fields that a shell makes of it, or on standard input, where it may be several
lines. The documents answer as they are now, not as they were then. Flags that
name the client replace what the line says.`),
		Example: `  mqttwarden explain why -f ./mqttwarden-demo --certificate mqttwarden-demo/heater.crt publish telemetry/temperature
  mqttwarden explain why -f ./mqttwarden-demo 'msg="publish denied" port=azure-iot-operations/mqtts-endpoint:8883 client_id=heater username=heater topic=health/heartbeat'
  mqttwarden explain why -f ./mqttwarden-demo < denied.log`,
		RunE: func(cmd *cobra.Command, args []string) error {
			questions, err := readQuestions(cmd.InOrStdin(), args)
			if err != nil {
				return unusable(err)
			}
			return x.answerAll(cmd, questions, &client)
		},
	}
	client.add(cmd)
	cmd.ValidArgsFunction = completeAction
	return cmd
}

// completeAction completes the first word of an action.
func completeAction(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return []string{"connect", "publish", "subscribe", "read", "write"}, cobra.ShellCompDirectiveNoFileComp
}

func longAction(first string) string {
	return first + `

ACTION is connect, publish TOPIC, subscribe FILTER, read KEY or write KEY; keys
are those of the state store.

The exit status is 0 for allowed, 1 for denied, 2 if there is no answer.`
}

// readAction reads the words for an action.
func readAction(args []string) (*question, error) {
	q := &question{}
	if err := q.op.UnmarshalText([]byte(args[0])); err != nil {
		return nil, fmt.Errorf("%q is no action; there is connect, publish TOPIC, subscribe FILTER, read KEY and write KEY", args[0])
	}
	switch {
	case q.op == mqttauthz.OpConnect && len(args) > 1:
		return nil, errors.New("connect takes nothing behind it; the client ID is given by --client-id")
	case q.op != mqttauthz.OpConnect && len(args) < 2:
		return nil, fmt.Errorf("%v needs a topic, filter or key behind it", q.op)
	case len(args) > 2:
		return nil, fmt.Errorf("%v takes one topic, filter or key; quote what has spaces", q.op)
	case len(args) == 2:
		q.text = args[1]
	}
	return q, nil
}

// readQuestions reads an action or log lines.
func readQuestions(in io.Reader, args []string) ([]*question, error) {
	var op mqttauthz.Operation
	switch {
	case len(args) == 0:
		return readLog(in)
	case op.UnmarshalText([]byte(args[0])) == nil:
		q, err := readAction(args)
		return []*question{q}, err
	}
	read := func() (map[string]string, error) { return readArguments(args) }
	if len(args) == 1 {
		read = func() (map[string]string, error) { return readLogLine(args[0]) }
	}
	fields, err := read()
	if err != nil {
		return nil, err
	}
	q, err := newQuestion(fields)
	return []*question{q}, err
}

// readLog reads the lines of a log. Those that are about nobody's denial are
// skipped, as a log has many.
func readLog(in io.Reader) ([]*question, error) {
	var questions []*question
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		fields, err := readLogLine(lines.Text())
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		q, err := newQuestion(fields)
		if errors.Is(err, errNoDenial) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		questions = append(questions, q)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading standard input: %w", err)
	}
	if len(questions) == 0 {
		return nil, fmt.Errorf("standard input: %w", errNoDenial)
	}
	return questions, nil
}

// answerAll answers questions in their order. Allowed are they only if all are.
func (x *explainer) answerAll(cmd *cobra.Command, questions []*question, client *clientFlags) error {
	var denied error
	for i, q := range questions {
		if i > 0 && x.output == formatText {
			_, _ = fmt.Fprintln(cmd.OutOrStdout())
		}
		a, err := x.ask(cmd.Context(), q, client)
		if err != nil {
			return unusable(err)
		}
		if err := x.say(cmd, a, true); err != nil {
			denied = err
		}
	}
	return denied
}

// ask answers a question.
func (x *explainer) ask(ctx context.Context, q *question, flags *clientFlags) (*answer, error) {
	at := *x
	if at.port == "" {
		at.port = q.port
	}
	t, plan, err := at.target()
	if err != nil {
		return nil, err
	}
	defer plan.Close()
	a := &answer{Port: t.name, Policy: t.policyName(), PolicyAt: t.policyAt(), Logged: q.logged}
	if q.logged.early() && flags.certificate == "" {
		a.refusedEarly(q.logged)
		return a, nil
	}
	client, err := flags.client(ctx, t, q.who)
	if err != nil {
		return nil, err
	}
	a.Notes = append(a.Notes, client.notes...)
	if client.refused {
		a.Stage, a.Methods = stageAuthentication, client.steps
		a.Reason = "denied: authentication refuses the client"
		return a, nil
	}
	a.authorize(t, client.who, q)
	return a, nil
}

// authorize asks the policy.
func (a *answer) authorize(t *target, who mqttauthz.Principal, q *question) {
	e := t.policy.Explain(who, q.op, q.text)
	a.Stage, a.Allowed, a.Reason, a.Explanation = stageAuthorization, e.Allowed, e.Reason, &e
	if e.Allowed && q.op != mqttauthz.OpConnect {
		if c := t.policy.Explain(who, mqttauthz.OpConnect, ""); !c.Allowed {
			a.Notes = append(a.Notes, "but the client may not even connect: "+c.Reason)
		}
	}
	if t.source != nil && len(e.Rules) > 0 {
		a.RulesAt = make(map[int]string, len(e.Rules))
		for _, r := range e.Rules {
			a.RulesAt[r.Rule] = t.source.Locate(r.Rule, "").String()
		}
	}
	if q.logged != nil {
		a.Notes = append(a.Notes, q.logged.notes(a)...)
	}
}
