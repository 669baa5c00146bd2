package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/mqttwarden/mqttwarden/broker/resource"
	"github.com/mqttwarden/mqttwarden/mqttauth/password"
)

// executeInput runs the command line with a standard input that is no
// terminal.
func executeInput(t *testing.T, in io.Reader, args ...string) (stdout string, err error) {
	t.Helper()
	var out bytes.Buffer
	cmd := newCommand()
	cmd.SetArgs(longFlags(cmd, args))
	cmd.SetIn(in)
	cmd.SetOut(&out)
	cmd.SetErr(io.Discard)
	err = cmd.ExecuteContext(t.Context())
	return out.String(), err
}

// hashOutput is what PASS-4 wants, to the byte: what the documents print, with
// 210000 iterations, a salt of 16 bytes and a hash of 64.
var hashOutput = regexp.MustCompile(`\A\{\n  "hash": "(\$pbkdf2-sha512\$i=210000,l=64\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{86})"\n\}\n\z`)

func TestHashPassword(t *testing.T) {
	tests := []struct {
		name   string
		in     string
		args   []string
		phrase string
	}{
		{"phrase", "ignored\n", []string{"--phrase", "TestPassword"}, "TestPassword"},
		{"phrase with spaces", "", []string{"--phrase= a b "}, " a b "},
		{"standard input", "TestPassword\n", nil, "TestPassword"},
		{"Windows line", "TestPassword\r\n", nil, "TestPassword"},
		{"no line end", "TestPassword", nil, "TestPassword"},
		{"spaces stay", " pässword \n", nil, " pässword "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, err := executeInput(t, strings.NewReader(tt.in), append([]string{"hash-password"}, tt.args...)...)
			if err != nil {
				t.Fatal(err)
			}
			found := hashOutput.FindStringSubmatch(out)
			if found == nil {
				t.Fatalf("printed %q", out)
			}
			var decoded map[string]string
			if err := json.Unmarshal([]byte(out), &decoded); err != nil || len(decoded) != 1 || decoded["hash"] != found[1] {
				t.Errorf("as JSON: %v, %v", decoded, err)
			}
			users, err := resource.ParseUsers("clients.toml", []byte("[client1]\npassword = \""+found[1]+"\"\n"))
			if err != nil || len(users) != 1 {
				t.Fatalf("in a password file: %v, %v", users, err)
			}
			hash, err := password.Parse(users[0].Password.Reveal())
			if err != nil {
				t.Fatal(err)
			}
			if !hash.Verify([]byte(tt.phrase)) {
				t.Errorf("the hash is not that of %q", tt.phrase)
			}
		})
	}
}

func TestHashPasswordErrors(t *testing.T) {
	long := strings.Repeat("x", maxPhrase+1)
	tests := []struct {
		name string
		in   io.Reader
		args []string
		want string
	}{
		{"empty phrase", strings.NewReader("TestPassword\n"), []string{"--phrase="}, "must not be empty"},
		{"empty input", strings.NewReader(""), nil, "must not be empty"},
		{"empty line", strings.NewReader("\r\n"), nil, "must not be empty"},
		{"two lines", strings.NewReader("a\nb\n"), nil, "more than one line"},
		{"a second line that is empty", strings.NewReader("a\n\n"), nil, "more than one line"},
		{"long phrase", strings.NewReader(""), []string{"--phrase", long}, "at most 65535 bytes"},
		{"long line", strings.NewReader(long + long), nil, "at most 65535 bytes"},
		{"unreadable input", iotest.ErrReader(io.ErrUnexpectedEOF), nil, "reading the password: unexpected EOF"},
		{"argument", strings.NewReader("a\n"), []string{"TestPassword"}, "unknown command"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, err := executeInput(t, tt.in, append([]string{"hash-password"}, tt.args...)...)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want %s", err, tt.want)
			}
			if out != "" {
				t.Errorf("printed %q in spite of the error", out)
			}
		})
	}
	if out, err := executeInput(t, strings.NewReader(strings.Repeat("x", maxPhrase)+"\r\n"), "hash-password"); err != nil || !hashOutput.MatchString(out) {
		t.Errorf("the longest password: %q, %v", out, err)
	}
}

// What is typed twice must be the same; nothing else is taken.
func TestAskTwice(t *testing.T) {
	answers := func(lines ...string) func() ([]byte, error) {
		return func() ([]byte, error) {
			if len(lines) == 0 {
				return nil, io.EOF
			}
			line := lines[0]
			lines = lines[1:]
			return []byte(line), nil
		}
	}
	var prompt strings.Builder
	got, err := askTwice(&prompt, answers("secret", "secret"))
	if err != nil || string(got) != "secret" {
		t.Errorf("got %q, %v", got, err)
	}
	if want := "Password: \nAgain: \n"; prompt.String() != want {
		t.Errorf("prompted %q, want %q", prompt.String(), want)
	}
	if got, err := askTwice(io.Discard, answers("secret", "Secret")); err == nil || got != nil {
		t.Errorf("two passwords give %q", got)
	}
	if got, err := askTwice(io.Discard, answers("secret")); !errors.Is(err, io.EOF) || got != nil {
		t.Errorf("one password gives %q, %v", got, err)
	}
}

func TestHashPasswordHelp(t *testing.T) {
	out, err := executeInput(t, strings.NewReader(""), "hash-password", "--help")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"visible to all users of this machine", "mqttwarden hash-password --phrase TestPassword"} {
		if !strings.Contains(out, want) {
			t.Errorf("help does not say %q:\n%s", want, out)
		}
	}
}
