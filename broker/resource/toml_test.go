package resource_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/broker/resource"
)

// tomlCase is a file and all the errors it gives, without the file name.
type tomlCase struct {
	name string
	text string
	want []string
}

func runTOMLCases(t *testing.T, parse func(text string) (found bool, err error), cases []tomlCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			found, err := parse(c.text)
			if found && err != nil {
				t.Error("entries in spite of errors")
			}
			var got []string
			var all resource.Errors
			if errors.As(err, &all) {
				for _, e := range all {
					got = append(got, strings.TrimPrefix(e.Error(), "f.toml:"))
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func parseUsers(text string) (found bool, err error) {
	users, err := resource.ParseUsers("f.toml", []byte(text))
	return users != nil, err
}

func parseRules(text string) (found bool, err error) {
	rules, err := resource.ParseCertificateAttributes("f.toml", []byte(text))
	return rules != nil, err
}

func TestUserErrors(t *testing.T) {
	long := strings.Repeat("x", 70000)
	runTOMLCases(t, parseUsers, []tomlCase{
		{"unknown field", "[a]\npasword = 'x'\npassword = 'x'\nadmin = true\n", []string{
			"2:1: a.pasword: unknown field; did you mean password?",
			"4:1: a.admin: unknown field; known here: password, attributes",
		}},
		{"missing password", "[a]\n[b.attributes]\nx = 'y'\n", []string{
			"1:2: a.password: missing; this field is required",
			"2:2: b.password: missing; this field is required",
		}},
		{"empty password", "[a]\npassword = ''\n", []string{"2:12: a.password: must not be empty"}},
		{"types of a password", "[a]\npassword = 8675309\n[b]\npassword = ['8675309']\n[c]\npassword = {x = '8675309'}\n[d]\npassword = 1979-05-27\n", []string{
			"2:12: a.password: want a string; put the value in quotes",
			"4:1: b.password: want a string, found a list",
			"6:12: c.password: want a string, found a table",
			"8:12: d.password: want a string; put the value in quotes",
		}},
		{"types of an attribute", "[a]\npassword = 'x'\n[a.attributes]\nfloor = 17\n'my key' = true\nsince = 1979-05-27\nl = [1]\nt = {}\nf = -inf\n", []string{
			`4:9: a.attributes.floor: want a string; write floor = "17"`,
			`5:12: a.attributes["my key"]: want a string; write "my key" = "true"`,
			`6:9: a.attributes.since: want a string; write since = "1979-05-27"`,
			"7:1: a.attributes.l: want a string, found a list",
			"8:5: a.attributes.t: want a string, found a table",
			`9:5: a.attributes.f: want a string; write f = "-inf"`,
		}},
		{"not a table", "a = 'x'\nb = 5\n[c]\npassword = 'x'\nattributes = 'x'\n", []string{
			"1:5: a: want a table, found a string",
			"2:5: b: want a table, found a number",
			"5:14: c.attributes: want a table, found a string",
		}},
		{"lists of tables", "[[a]]\npassword = 'x'\n[[a]]\npassword = 'x'\n", []string{
			"1:3: lists of tables are not allowed here; write one pair of brackets",
			"3:3: lists of tables are not allowed here; write one pair of brackets",
			"3:3: a: duplicate key; the first is at line 1, column 3",
		}},
		{"empty names", "['']\npassword = 'x'\n[a]\npassword = 'x'\nattributes = {'' = 'x'}\n", []string{
			`1:2: [""]: the name must not be empty`,
			`5:15: a.attributes[""]: the name must not be empty`,
		}},
		{"name with U+0000", "[\"a\\u0000\"]\npassword = 'x'\n", []string{
			`1:2: ["a\x00"]: a user name must not hold U+0000, which MQTT cannot send`,
		}},
		{"too long", "[" + long + "]\npassword = 'x'\n[a]\npassword = '" + long + "'\nattributes = {b = '" + long + "', " + long + " = ''}\n", []string{
			"1:2: a name must have at most 65535 bytes",
			"4:12: a.password: must have at most 1024 bytes",
			"5:19: a.attributes.b: must have at most 65535 bytes",
			"5:70023: a.attributes: a name must have at most 65535 bytes",
		}},
		{"a hash as an attribute", "[a]\npassword = 'x'\n[a.attributes]\nb = '1'\npassword = '$pbkdf2-sha512$SEEDED-SECRET'\n", []string{
			"5:12: a.attributes.password: a password hash is no attribute; is a line [NAME] missing above?",
		}},
		{"a hash as a name", "['$pbkdf2-sha512$SEEDED-SECRET']\npassword = 'x'\n[a]\npassword = 'x'\n'$pbkdf2-sha512$SEEDED-SECRET' = 'x'\n", []string{
			`1:2: a password hash where a name belongs; write password = "…" in the table of the user`,
			`5:1: a password hash where a name belongs; write password = "…" in the table of the user`,
			`5:1: a["[redacted]"]: unknown field; known here: password, attributes`,
		}},
	})
}

// TestTOMLDuplicates has the ways of TOML 1.0 to define one thing twice.
func TestTOMLDuplicates(t *testing.T) {
	runTOMLCases(t, parseUsers, []tomlCase{
		{"tables", "[a]\npassword = 'x'\n[b]\npassword = 'x'\n[a]\npassword = 'y'\n", []string{
			"5:2: a: duplicate key; the first is at line 1, column 2",
		}},
		{"tables in other notation", "[a]\npassword = 'x'\n[ \"\\u0061\" ]\npassword = 'y'\n", []string{
			"3:3: a: duplicate key; the first is at line 1, column 2",
		}},
		{"keys", "[a]\npassword = 'x'\npassword = 'y'\nattributes = {b = '1', b = '2'}\n", []string{
			"3:1: a.password: duplicate key; the first is at line 2, column 1",
			"4:24: a.attributes.b: duplicate key; the first is at line 4, column 15",
		}},
		{"sub-tables", "[a]\npassword = 'x'\n[a.attributes]\n[a.attributes]\n", []string{
			"4:4: a.attributes: duplicate key; the first is at line 3, column 4",
		}},
		{"a table over a value", "[a]\npassword = 'x'\nattributes = {b = '1'}\n[a.attributes]\nc = '2'\n", []string{
			"4:4: a.attributes: duplicate key; the first is at line 3, column 1",
		}},
		{"a table over a dotted key", "[a]\npassword = 'x'\nattributes.b = '1'\n[a.attributes]\nc = '2'\n", []string{
			"4:4: a.attributes: duplicate key; the first is at line 3, column 1",
		}},
		{"a dotted key over a table", "[a.attributes]\nb = '1'\n[a]\npassword = 'x'\nattributes.c = '2'\n", []string{
			"5:1: a.attributes: duplicate key; the first is at line 1, column 4",
		}},
		{"a dotted key over an inline table", "[a]\npassword = 'x'\nattributes = {b = '1'}\nattributes.c = '2'\n", []string{
			"4:1: a.attributes: duplicate key; the first is at line 3, column 1",
		}},
		{"a table over a table of the root", "a.password = 'x'\n[a]\npassword = 'y'\n", []string{
			"2:2: a: duplicate key; the first is at line 1, column 1",
		}},
	})
}

func TestTOMLSyntaxErrors(t *testing.T) {
	deep := strings.Repeat("a.", 70) + "a"
	runTOMLCases(t, parseUsers, []tomlCase{
		{"several", "[a]\npassword = \"x\n[b\npassword = 'x'\n[c]\npassword = $pbkdf2\n[d]\npassword = 'x' y\nz = 1\n[e]\nq = 1\n", []string{
			"2:14: cannot read TOML: basic strings cannot have new lines",
			"3:3: cannot read TOML: expected ']' to close table name",
			"6:12: cannot read TOML: a string must be in quotes",
			"8:16: cannot read TOML: expected newline",
			"11:1: e.q: unknown field; known here: password, attributes",
		}},
		{"no end", "[a]\npassword = '''x\n[b]\n", []string{"3:4: cannot read TOML: multiline literal string not terminated by '''"}},
		{"escape", "[a]\npassword = \"\\q\"\n", []string{"2:13: cannot read TOML: invalid escape character"}},
		{"yaml", "a:\n  password: x\n", []string{"1:2: cannot read TOML: expected '=' after key"}},
		{"keyword", "[a]\npassword = tree\n", []string{"2:12: cannot read TOML: a string must be in quotes"}},
		{"control character", "[a]\npassword = 'x\x01'\n", []string{"2:14: control character U+0001; remove it"}},
		{"invalid UTF-8", "[a]\npassword = '\xff'\n", []string{"2:13: invalid UTF-8; save the file as UTF-8"}},
		{"deep key", deep + " = 1\n[" + deep + "]\n", []string{"1:1: key of more than 64 parts", "2:2: key of more than 64 parts"}},
		{"deep value", "a = " + strings.Repeat("{b = ", 70) + "1" + strings.Repeat("}", 70) + "\n", []string{
			"1:5: a.password: missing; this field is required",
			"1:6: a.b: unknown field; known here: password, attributes",
			"1:325: nested more than 64 levels deep",
		}},
		{"too many values", strings.Repeat("=", 1<<20+1), []string{"1:1: file has more than 1048576 values; split it"}},
	})
}

func TestCertificateAttributesErrors(t *testing.T) {
	runTOMLCases(t, parseRules, []tomlCase{
		{"fields", "[a]\nsubject = 'CN = a'\nattribute = {}\n[b]\nsubject = ''\nattributes = {x = 1}\n[c]\nattributes = {x = ''}\n[d]\nsubject = 5\nattributes = []\n", []string{
			"1:2: a.attributes: missing; this field is required",
			"3:1: a.attribute: unknown field; did you mean attributes?",
			"5:11: b.subject: must not be empty",
			`6:19: b.attributes.x: want a string; write x = "1"`,
			"7:2: c.subject: missing; this field is required",
			`10:11: d.subject: want a string; write subject = "5"`,
			"11:1: d.attributes: want a table, found a list",
		}},
		{"empty name", "['']\nsubject = 'CN = a'\nattributes = {}\n", []string{`1:2: [""]: the name must not be empty`}},
		{"twice", "[a]\nsubject = 'x'\nattributes = {}\n[a]\nsubject = 'y'\nattributes = {}\n", []string{
			"4:2: a: duplicate key; the first is at line 1, column 2",
		}},
		{"a password file", "[a]\npassword = 'x'\n[a.attributes]\n", []string{
			"1:2: a.subject: missing; this field is required",
			"2:1: a.password: unknown field; known here: subject, attributes",
		}},
	})
}
