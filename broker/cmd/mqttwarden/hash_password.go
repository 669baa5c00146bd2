package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/mqttwarden/mqttwarden/mqttauth/password"
)

// maxPhrase is the most bytes of a password that a CONNECT can carry (MQTT 5.0
// section 3.1.3.6).
const maxPhrase = 65535

func newHashPassword() *cobra.Command {
	var phrase string
	cmd := &cobra.Command{
		Use:   "hash-password [--phrase TEXT]",
		Short: "Print the hash of a password, for a password file",
		Long: `Hash-password prints the hash of a password with a new random salt, as a
password file (TOML) takes it. It asks for the password twice and does not show
it. If standard input is not a terminal, it reads the password from there, one
line.

With --phrase the password is visible to all users of this machine while the
command runs, in the list of processes, and stays in the history of the shell:
good enough to try something out.`,
		Example: `  mqttwarden hash-password
  mqttwarden hash-password < password.txt
  mqttwarden hash-password --phrase TestPassword`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("phrase") {
				return hashPassword(cmd.OutOrStdout(), []byte(phrase))
			}
			secret, err := askPhrase(cmd)
			if err != nil {
				return err
			}
			return hashPassword(cmd.OutOrStdout(), secret)
		},
	}
	cmd.Flags().StringVar(&phrase, "phrase", "", "the password, visible to other users of this machine")
	return cmd
}

// hashPassword prints the hash in the form of PASS-4.
func hashPassword(out io.Writer, phrase []byte) error {
	if len(phrase) == 0 {
		return errors.New("the password must not be empty")
	}
	if len(phrase) > maxPhrase {
		return fmt.Errorf("the password must have at most %d bytes; MQTT cannot send more", maxPhrase)
	}
	hash, err := password.Make(phrase)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "{\n  \"hash\": %q\n}\n", hash.String())
	return err
}

// askPhrase reads the password from the terminal, or from standard input if
// that is none.
func askPhrase(cmd *cobra.Command) ([]byte, error) {
	if f, ok := cmd.InOrStdin().(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return askTwice(cmd.ErrOrStderr(), func() ([]byte, error) { return readHidden(cmd.Context(), f) })
	}
	return readLine(cmd.InOrStdin())
}

// askTwice asks for a password that nobody sees while it is typed.
func askTwice(prompt io.Writer, read func() ([]byte, error)) ([]byte, error) {
	var typed [2][]byte
	for i, question := range []string{"Password: ", "Again: "} {
		_, _ = io.WriteString(prompt, question)
		answer, err := read()
		_, _ = io.WriteString(prompt, "\n") // the one that was typed is not shown
		if err != nil {
			return nil, fmt.Errorf("reading the password: %w", err)
		}
		typed[i] = answer
	}
	if !bytes.Equal(typed[0], typed[1]) {
		return nil, errors.New("the two passwords are not the same")
	}
	return typed[0], nil
}

// readHidden reads a line from a terminal without echo. At the end of ctx, by
// Ctrl-C, it turns the echo on again; the read itself cannot be interrupted
// and ends with the program.
func readHidden(ctx context.Context, f *os.File) ([]byte, error) {
	fd := int(f.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return nil, err
	}
	type answer struct {
		line []byte
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		line, err := term.ReadPassword(fd)
		answers <- answer{line, err}
	}()
	select {
	case a := <-answers:
		return a.line, a.err
	case <-ctx.Done():
		return nil, errors.Join(context.Cause(ctx), term.Restore(fd, before))
	}
}

// readLine reads the only line of in.
func readLine(in io.Reader) ([]byte, error) {
	const lineEnd = len("\r\n")
	text, err := io.ReadAll(io.LimitReader(in, maxPhrase+int64(lineEnd)+1))
	if err != nil {
		return nil, fmt.Errorf("reading the password: %w", err)
	}
	text = bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
	if bytes.ContainsAny(text, "\r\n") {
		return nil, errors.New("standard input has more than one line; the password must be the only one")
	}
	return text, nil
}
