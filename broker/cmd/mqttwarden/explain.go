package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mqttwarden/mqttwarden/broker/config"
	"github.com/mqttwarden/mqttwarden/broker/resource"
	"github.com/mqttwarden/mqttwarden/mqttauth"
	"github.com/mqttwarden/mqttwarden/mqttauthz"
	"github.com/mqttwarden/mqttwarden/sat"
)

// explainer is what all questions have in common.
type explainer struct {
	paths       []string
	rules, x509 string
	port        string
	output      format
}

func newExplain() *cobra.Command {
	x := &explainer{output: formatText}
	cmd := &cobra.Command{
		Use:   "explain",
		Short: "Ask the documents who may do what, and why",
		Long: `Explain answers questions about the policies of the documents, without a broker
and without asking anybody else. A client is named by its certificate, by the
claims of a token, or by plain attributes; a denial also by its line in the log.

The exit status is 0 for a yes (allowed, somebody can, no difference), 1 for a
no, and 2 if there is no answer: a wrong command line, or documents with an
error.`,
		Example: `  mqttwarden explain why -f ./mqttwarden-demo --certificate mqttwarden-demo/heater.crt publish telemetry/temperature
  mqttwarden serve -f ./mqttwarden-demo 2>&1 | grep denied | mqttwarden explain why -f ./mqttwarden-demo
  mqttwarden explain who-can -f ./mqttwarden-demo telemetry/temperature
  mqttwarden explain what-can -f ./mqttwarden-demo --attribute manufacturer=fabrikam
  mqttwarden explain diff ./old ./new`,
		Args: cobra.NoArgs,
	}
	flags := cmd.PersistentFlags()
	flags.StringArrayVarP(&x.paths, "file", "f", nil, "file or folder with documents; may be repeated")
	flags.StringVar(&x.rules, "rules", "", "in place of documents: file with a list of authorization rules, JSON or YAML")
	flags.StringVar(&x.x509, "x509", "", "beside --rules: file with the details of an X.509 method, JSON or YAML")
	flags.StringVar(&x.port, "port", "", "the port that is meant, if there are several: its number or name, or a policy's name")
	x.output.add(cmd, flags)
	cmd.MarkFlagsMutuallyExclusive("file", "rules")
	cmd.MarkFlagsMutuallyExclusive("file", "x509")
	cmd.AddCommand(x.newDecide(), x.newWhy(), x.newWhoCan(), x.newWhatCan(), x.newDiff())
	return cmd
}

// target is what a question is about: a port, or a policy where the documents
// have no port.
type target struct {
	name   string
	policy *mqttauthz.Policy
	source *resource.Authorization // nil: no policy, everything is allowed

	port           *config.Port             // nil: only a policy
	authentication *resource.Authentication // nil: none, or missing

	details *resource.X509 // of an X.509 method without documents, or nil
}

// policyName says which policy decides.
func (t *target) policyName() string {
	switch {
	case t.source == nil:
		return "none: every client may do everything"
	case t.source.Name == "": // without a document
		return t.name
	}
	return t.source.Key.String()
}

// policyAt is the place of the policy, "" if there is none.
func (t *target) policyAt() string {
	if t.source == nil {
		return ""
	}
	return t.source.Position.String()
}

// nobody is asked about tokens: explain never asks anybody.
type nobody struct{}

func (nobody) Review(context.Context, *sat.Request) (sat.Review, error) {
	return sat.Review{}, mqttauth.ErrUnavailable
}

// targets reads documents. The plan is theirs, and to be closed.
func targets(paths []string) ([]target, *config.Plan, error) {
	if len(paths) == 0 {
		return nil, nil, errors.New("name the documents with -f PATH, or rules without documents with --rules FILE")
	}
	set, err := resource.Load(paths...)
	if err != nil {
		return nil, nil, err
	}
	plan, err := config.Compile(set, config.Options{Tokens: nobody{}, Development: new(config.Development)})
	if err != nil {
		return nil, nil, err
	}
	if len(plan.Ports) > 0 {
		return portTargets(set, plan), plan, nil
	}
	var all []target
	for _, a := range set.Authorizations {
		compiled, err := mqttauthz.Compile(a.Rules)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, target{name: a.Key.String(), policy: compiled, source: a})
	}
	if len(all) == 0 {
		return nil, nil, fmt.Errorf("%s: there is neither a BrokerListener nor a BrokerAuthorization", strings.Join(paths, ", "))
	}
	return all, plan, nil
}

func portTargets(set *resource.Set, plan *config.Plan) []target {
	var all []target
	next := 0 // the plan has the ports in the order of the documents
	for _, l := range set.Listeners {
		for i := range l.Ports {
			p := plan.Ports[next]
			next++
			all = append(all, target{
				name: p.String(), port: p, policy: p.Access().Authorization,
				source:         set.Authorization(l.Sibling(l.Ports[i].AuthorizationRef)),
				authentication: set.Authentication(l.Sibling(l.Ports[i].AuthenticationRef)),
			})
		}
	}
	return all
}

// fragment makes a target of rules without a document around them.
func fragment(rules, x509 string) (*target, error) {
	if rules == "" {
		return nil, errors.New("--x509 is only good beside --rules")
	}
	a, err := resource.LoadRules(rules)
	if err != nil {
		return nil, err
	}
	if _, err := config.CheckRules(a); err != nil {
		return nil, err
	}
	compiled, err := mqttauthz.Compile(a.Rules)
	if err != nil {
		return nil, err
	}
	t := &target{name: rules, policy: compiled, source: a}
	if x509 == "" {
		return t, nil
	}
	if t.details, err = resource.LoadX509(x509); err != nil {
		return nil, err
	}
	return t, config.CheckX509(t.details)
}

// target returns the one that a question is about. The plan is to be closed.
func (x *explainer) target() (*target, *config.Plan, error) {
	if x.rules != "" || x.x509 != "" {
		t, err := fragment(x.rules, x.x509)
		return t, &config.Plan{}, err
	}
	all, plan, err := targets(x.paths)
	if err != nil {
		return nil, nil, err
	}
	t, err := choose(all, x.port)
	if err != nil {
		plan.Close()
		return nil, nil, err
	}
	if t.policy == nil {
		plan.Close()
		return nil, nil, fmt.Errorf("port %s is closed until what it refers to is there: %v", t.name, t.port.Missing)
	}
	return t, plan, nil
}

// choose finds the target of a name, which may be left out if there is but one.
func choose(all []target, name string) (*target, error) {
	var found []*target
	names := make([]string, len(all))
	for i := range all {
		names[i] = all[i].name
		if all[i].called(name) {
			found = append(found, &all[i])
		}
	}
	slices.Sort(names)
	switch {
	case len(found) == 1:
		return found[0], nil
	case name == "":
		return nil, fmt.Errorf("say which one is meant, with --port: %s", strings.Join(names, ", "))
	case len(found) == 0:
		return nil, fmt.Errorf("there is no %q in the documents; there is %s", name, strings.Join(names, ", "))
	default:
		return nil, fmt.Errorf("%q can be several; there is %s", name, strings.Join(names, ", "))
	}
}

// called reports whether name means t: all of its name, or a part between its
// separators.
func (t *target) called(name string) bool {
	if name == "" || name == t.name {
		return true
	}
	parts := strings.FieldsFunc(t.name, func(r rune) bool { return r == '/' || r == ':' })
	short := t.name[strings.Index(t.name, "/")+1:]
	return name == short || slices.Contains(parts, name)
}
