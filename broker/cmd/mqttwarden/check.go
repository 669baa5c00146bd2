package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/mqttwarden/mqttwarden/broker/config"
)

// errIncomplete is the result of check when documents are missing.
var errIncomplete = errors.New("ports would stay closed")

func newCheck() *cobra.Command {
	var paths []string
	var tokens tokenFlags
	cmd := &cobra.Command{
		Use:   "check -f PATH [-f PATH ...]",
		Short: "Read the documents and say what is wrong with them",
		Long: `Check reads the documents as serve does, and opens nothing. It prints one line
for each port, warning and error, the latter with file, line and field. The exit
status is 1 if serve would not start, or would keep a port closed.`,
		Example: "  mqttwarden check -f ./mqttwarden-demo",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			options, err := tokens.options(nil)
			if err != nil {
				return err
			}
			return check(cmd, paths, options)
		},
	}
	fileFlag(cmd, &paths)
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
