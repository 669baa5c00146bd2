package main

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/mqttwarden/mqttwarden/broker/config"
)

func newDemo() *cobra.Command {
	dir, port := "mqttwarden-demo", uint16(8883)
	see := observeFlags{logFormat: "text"}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Make certificates and policies, serve them, and print commands to try",
		Long: `Demo makes the certificates of a factory (Contoso) and of its devices (Fabrikam)
and the policies for them in a folder, serves them on this machine only, and
prints commands to paste into another terminal. Each run begins anew; a folder
that demo did not make is left alone.`,
		Example: "  mqttwarden demo --dir /tmp/demo --port 18883",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if port == 0 {
				return fmt.Errorf("--port 0: choose a port from 1 to 65535")
			}
			path, err := filepath.Abs(dir)
			if err != nil {
				return err
			}
			if err := checkFree(port); err != nil {
				return err
			}
			if err := writeDemo(path, port); err != nil {
				return err
			}
			_, _ = fmt.Fprint(cmd.OutOrStdout(), demoText(path, port))
			o, err := see.open(cmd)
			if err != nil {
				return err
			}
			err = serve(cmd.Context(), o, &portFlags{address: "127.0.0.1"}, []string{path}, config.Options{Logger: o.log})
			return errors.Join(err, o.close())
		},
	}
	cmd.Flags().StringVar(&dir, "dir", dir, "folder for certificates and policies")
	cmd.Flags().Uint16Var(&port, "port", port, "port to serve on")
	return cmd
}

// checkFree fails if somebody serves the port already: probably another demo,
// whose certificates a new run must not replace.
func checkFree(port uint16) error {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port)))) //nolint:noctx // ends at once
	if err != nil {
		return fmt.Errorf("%w; choose another port with --port, or end what serves this one", err)
	}
	return l.Close()
}
