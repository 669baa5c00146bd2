package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// format is the flag that says how to print: "text" or "json".
type format string

const (
	formatText format = "text"
	formatJSON format = "json"
)

func (f *format) String() string { return string(*f) }

func (*format) Type() string { return "text|json" }

func (f *format) Set(s string) error {
	switch v := format(s); v {
	case formatText, formatJSON:
		*f = v
		return nil
	}
	return errors.New("there is text and json")
}

// add adds the flag to flags, with completion.
func (f *format) add(cmd *cobra.Command, flags *pflag.FlagSet) {
	flags.VarP(f, "output", "o", "form of the output")
	complete(cmd, "output", string(formatText), string(formatJSON))
}

// complete lets shells complete the value of a flag.
func complete(cmd *cobra.Command, flag string, values ...string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // no such flag, or twice: cannot happen
	}
}

// printJSON writes v in the form of a document.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// Colours of a terminal (ECMA-48).
const (
	green  = "32"
	yellow = "33"
	red    = "31"
)

// painter colours words, where that is wanted.
type painter bool

// newPainter wants colours if w is a terminal that has them, and the
// environment does not object (https://no-color.org).
func newPainter(w io.Writer) painter {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	return painter(term.IsTerminal(int(f.Fd())))
}

func (p painter) paint(colour, s string) string {
	if !p {
		return s
	}
	return "\x1b[" + colour + "m" + s + "\x1b[0m"
}

// verdict returns "allowed" or "denied".
func (p painter) verdict(allowed bool) string {
	if allowed {
		return p.paint(green, "allowed")
	}
	return p.paint(red, "denied")
}
