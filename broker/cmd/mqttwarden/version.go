package main

import (
	"fmt"
	"io"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// release is the version of this source.
const release = "v0.1.0"

// build is what the program was made of.
type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"` // of the source; "": unknown
	Time     string `json:"time,omitempty"`     // of the revision, RFC 3339
	Modified bool   `json:"modified,omitempty"` // the source had changes that are not committed
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func newVersion() *cobra.Command {
	output := formatText
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Say what this program was built of",
		Long:    `Version prints the release, the revision of its source if it is known, and the version of Go that built it.`,
		Example: "  mqttwarden version -o json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			info, _ := debug.ReadBuildInfo()
			b := newBuild(info)
			if output == formatJSON {
				return printJSON(cmd.OutOrStdout(), b)
			}
			return b.print(cmd.OutOrStdout())
		},
	}
	output.add(cmd, cmd.Flags())
	return cmd
}

// newBuild reads what the toolchain noted, if anything.
func newBuild(info *debug.BuildInfo) build {
	b := build{Version: release}
	if info == nil {
		return b
	}
	b.Go = info.GoVersion
	settings := make(map[string]string, len(info.Settings))
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	b.Revision, b.Time = settings["vcs.revision"], settings["vcs.time"]
	b.Modified = settings["vcs.modified"] == "true"
	b.Platform = settings["GOOS"] + "/" + settings["GOARCH"]
	return b
}

func (b build) print(out io.Writer) error {
	revision := "unknown"
	if b.Revision != "" {
		revision = b.Revision
	}
	if b.Modified {
		revision += " with changes"
	}
	_, err := fmt.Fprintf(out, "mqttwarden %s\nrevision %s\n%s %s\n", b.Version, revision, b.Go, b.Platform)
	return err
}
