package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/mqttwarden/mqttwarden/broker/config"
	"github.com/mqttwarden/mqttwarden/broker/resource"
)

// errIncomplete is the result of check when documents are missing.
var errIncomplete = errors.New("ports would stay closed")

func newCheck() *cobra.Command {
	var paths []string
	var rules, x509 string
	var tokens tokenFlags
	cmd := &cobra.Command{
		Use:   "check [-f PATH ...] [--rules FILE] [--x509 FILE]",
		Short: "Read the documents and say what is wrong with them",
		Long: `Check reads the documents as serve does, and opens nothing. It prints one line
for each port, warning and error, the latter with file, line and field. The exit
status is 1 if serve would not start, or would keep a port closed.

With --rules and --x509 it reads what the portal shows without a document around
it: a list of authorization rules, or the details of an X.509 method.`,
		Example: "  mqttwarden check -f ./mqttwarden-demo\n  mqttwarden check --rules rules.json --x509 details.json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			err := errors.Join(checkRules(cmd, rules), checkX509(cmd, x509))
			if len(paths) == 0 {
				return err
			}
			options, tokenErr := tokens.options(nil)
			if tokenErr != nil {
				return tokenErr
			}
			return errors.Join(err, check(cmd, paths, options))
		},
	}
	cmd.Flags().StringArrayVarP(&paths, "file", "f", nil, "file or folder with documents; may be repeated")
	cmd.Flags().StringVar(&rules, "rules", "", "file with a list of authorization rules, JSON or YAML")
	cmd.Flags().StringVar(&x509, "x509", "", "file with the details of an X.509 method, JSON or YAML")
	cmd.MarkFlagsOneRequired("file", "rules", "x509")
	tokens.add(cmd)
	return cmd
}

func check(cmd *cobra.Command, paths []string, options config.Options) error {
	plan, err := load(paths, options)
	if err != nil {
		return err
	}
	defer plan.Close()
	if len(plan.Ports) == 0 {
		return fmt.Errorf("%v: there is no BrokerListener, so there is no port to open", paths)
	}
	out := cmd.OutOrStdout()
	for _, w := range plan.Warnings {
		_, _ = fmt.Fprintln(out, "warning:", w)
	}
	for _, finding := range plan.Lint() {
		_, _ = fmt.Fprintln(out, "note:", finding)
	}
	missing := 0
	for _, p := range plan.Ports {
		for _, m := range p.Missing {
			_, _ = fmt.Fprintln(cmd.ErrOrStderr(), m)
			missing++
		}
		_, _ = fmt.Fprintf(out, "port %v: %s, authentication %s, authorization %s\n", p, p.Transport(), p.Authentication(), p.Authorization())
	}
	if missing > 0 {
		return errIncomplete
	}
	_, _ = fmt.Fprintln(out, "ok")
	return nil
}

// checkRules checks a list of rules.
func checkRules(cmd *cobra.Command, file string) error {
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
	for _, note := range notes {
		_, _ = fmt.Fprintln(cmd.OutOrStdout(), "note:", note)
	}
	_, _ = fmt.Fprintf(cmd.OutOrStdout(), "rules %s: %d, ok\n", file, len(a.Rules))
	return nil
}

// checkX509 checks the details of an X.509 method.
func checkX509(cmd *cobra.Command, file string) error {
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
	_, _ = fmt.Fprintf(cmd.OutOrStdout(), "x509 %s: trusts ConfigMap %s, %d attribute rules, ok\n", file, x.TrustedClientCACert, len(x.AuthorizationAttributes))
	return nil
}
