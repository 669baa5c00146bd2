package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mqttwarden/mqttwarden/broker/config"
	"github.com/mqttwarden/mqttwarden/broker/resource"
)

// errIncomplete is the result of check when documents are missing.
var errIncomplete = errors.New("ports would stay closed")

// checker is what check reads.
type checker struct {
	paths       []string
	rules, x509 string
	tokens      tokenFlags
	output      format
}

func newCheck() *cobra.Command {
	c := checker{output: formatText}
	cmd := &cobra.Command{
		Use:   "check [-f PATH ...] [--rules FILE] [--x509 FILE]",
		Short: "Read the documents and say what is wrong with them",
		Long: `Check reads the documents as serve does, and opens nothing. It prints one line
for each port, warning and error, the latter with file, line and field.

With --rules and --x509 it reads what the portal shows without a document around
it: a list of authorization rules, or the details of an X.509 method.

The exit status is 0 if all is well, warnings and notes included; 1 if serve would
not start, or would keep a port closed; and 2 for a wrong command line.`,
		Example: `  mqttwarden check -f ./mqttwarden-demo
  mqttwarden check -f ./mqttwarden-demo -o json
  mqttwarden check --rules rules.json --x509 details.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&c.paths, "file", "f", nil, "file or folder with documents; may be repeated")
	flags.StringVar(&c.rules, "rules", "", "file with a list of authorization rules, JSON or YAML")
	flags.StringVar(&c.x509, "x509", "", "file with the details of an X.509 method, JSON or YAML")
	c.output.add(cmd, flags)
	cmd.MarkFlagsOneRequired("file", "rules", "x509")
	c.tokens.add(cmd)
	return cmd
}

// report is all that check found.
type report struct {
	OK        bool         `json:"ok"`
	Errors    []problem    `json:"errors,omitempty"`
	Warnings  []string     `json:"warnings,omitempty"`
	Notes     []string     `json:"notes,omitempty"`     // what is legal and probably not meant
	Fragments []string     `json:"fragments,omitempty"` // those of --rules and --x509 that are good
	Ports     []portReport `json:"ports,omitempty"`
}

// problem is something that is wrong, and where.
type problem struct {
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Field   string `json:"field,omitempty"`
	Problem string `json:"problem"`
}

type portReport struct {
	Name           string   `json:"name"`
	Transport      string   `json:"transport"`
	Authentication string   `json:"authentication"`
	Authorization  string   `json:"authorization"`
	Missing        []string `json:"missing,omitempty"` // what keeps it closed
}

func (c *checker) run(cmd *cobra.Command) error {
	var r report
	err := errors.Join(r.addRules(c.rules), r.addX509(c.x509), r.addDocuments(cmd.Context(), c.paths, c.tokens))
	r.OK, r.Errors = err == nil, problems(err)
	if c.output == formatText {
		r.print(cmd.OutOrStdout(), cmd.ErrOrStderr())
		return err
	}
	if e := printJSON(cmd.OutOrStdout(), r); e != nil {
		return e
	}
	return unless(r.OK)
}

// addDocuments reads documents, if there are any.
func (r *report) addDocuments(ctx context.Context, paths []string, tokens tokenFlags) error {
	if len(paths) == 0 {
		return nil
	}
	options, err := tokens.options(ctx, nil)
	if err != nil {
		return err
	}
	plan, err := load(paths, options)
	if err != nil {
		return err
	}
	defer plan.Close()
	if len(plan.Ports) == 0 {
		return fmt.Errorf("%s: there is no BrokerListener, so there is no port to open", strings.Join(paths, ", "))
	}
	r.Warnings = append(r.Warnings, plan.Warnings...)
	r.Notes = append(r.Notes, plan.Lint()...)
	var incomplete error
	for _, p := range plan.Ports {
		one := portReport{
			Name: p.String(), Transport: p.Transport(),
			Authentication: p.Authentication(), Authorization: p.Authorization(),
		}
		for _, m := range p.Missing {
			one.Missing = append(one.Missing, m.String())
			incomplete = errIncomplete
		}
		r.Ports = append(r.Ports, one)
	}
	return incomplete
}

// addRules checks a list of rules.
func (r *report) addRules(file string) error {
	if file == "" {
		return nil
	}
	a, err := resource.LoadRules(file)
	if err != nil {
		return err
	}
	notes, err := config.CheckRules(a)
	if err != nil {
		return err
	}
	r.Notes = append(r.Notes, notes...)
	r.Fragments = append(r.Fragments, fmt.Sprintf("rules %s: %d, ok", file, len(a.Rules)))
	return nil
}

// addX509 checks the details of an X.509 method.
func (r *report) addX509(file string) error {
	if file == "" {
		return nil
	}
	x, err := resource.LoadX509(file)
	if err != nil {
		return err
	}
	if err := config.CheckX509(x); err != nil {
		return err
	}
	r.Fragments = append(r.Fragments, fmt.Sprintf("x509 %s: trusts ConfigMap %s, %d attribute rules, ok", file, x.TrustedClientCACert, len(x.AuthorizationAttributes)))
	return nil
}

// problems takes an error apart. What is missing stands with its port.
func problems(err error) []problem {
	var one *resource.Error
	switch e := err.(type) {
	case nil:
		return nil
	case *resource.Error:
		one = e
	case interface{ Unwrap() []error }:
		var list []problem
		for _, part := range e.Unwrap() {
			list = append(list, problems(part)...)
		}
		return list
	default:
		if errors.Is(err, errIncomplete) {
			return nil
		}
		return []problem{{Problem: err.Error()}}
	}
	at := one.Position
	return []problem{{File: at.File, Line: at.Line, Column: at.Column, Field: one.Field, Problem: one.Detail}}
}

func (r *report) print(out, errs io.Writer) {
	p := newPainter(out)
	printList(out, p.paint(yellow, "warning:")+" ", r.Warnings)
	printList(out, "note: ", r.Notes)
	printList(out, "", r.Fragments)
	for _, port := range r.Ports {
		printList(errs, "", port.Missing)
		_, _ = fmt.Fprintf(out, "port %s: %s, authentication %s, authorization %s\n",
			port.Name, port.Transport, port.Authentication, port.Authorization)
	}
	if r.OK && len(r.Ports) > 0 {
		_, _ = fmt.Fprintln(out, p.paint(green, "ok"))
	}
}
