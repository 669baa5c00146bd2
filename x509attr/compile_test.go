package x509attr_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/x509attr"
)

// X509-8: two rules with one subject are an error that names both.
func TestX509_8OneSubjectTwice(t *testing.T) {
	pin := strings.Repeat("ab", 32)
	other := strings.Repeat("cd", 32)
	tests := []struct {
		name          string
		first, second x509attr.Rule
		wantError     bool
	}{
		{"the same text", x509attr.Rule{Subject: "CN=a,O=b"}, x509attr.Rule{Subject: "CN=a,O=b"}, true},
		{"in reverse", x509attr.Rule{Subject: "CN=a,O=b"}, x509attr.Rule{Subject: "O=b,CN=a"}, true},
		{"written otherwise", x509attr.Rule{Subject: "CN=a,O=b"}, x509attr.Rule{Subject: `2.5.4.10 = "b", commonName = \61`}, true},
		{"attributes of an RDN in another order", x509attr.Rule{Subject: "CN=a+O=b"}, x509attr.Rule{Subject: "O=b+CN=a"}, true},
		{"pinned to one anchor", x509attr.Rule{Subject: "CN=a", Anchor: pin}, x509attr.Rule{Subject: "CN=a", Anchor: strings.ToUpper(pin)}, true},
		{"the first pinned", x509attr.Rule{Subject: "CN=a", Anchor: pin}, x509attr.Rule{Subject: "CN=a"}, true},
		{"the second pinned", x509attr.Rule{Subject: "CN=a"}, x509attr.Rule{Subject: "CN=a", Anchor: pin}, true},
		{"pinned, in reverse", x509attr.Rule{Subject: "CN=a,O=b", Anchor: pin}, x509attr.Rule{Subject: "O=b,CN=a", Anchor: pin}, true},

		{"pinned to two anchors", x509attr.Rule{Subject: "CN=a", Anchor: pin}, x509attr.Rule{Subject: "CN=a", Anchor: other}, false},
		{"pinned to zeros and not pinned", x509attr.Rule{Subject: "CN=b", Anchor: strings.Repeat("0", 64)}, x509attr.Rule{Subject: "CN=a"}, false},
		{"another case", x509attr.Rule{Subject: "CN=a"}, x509attr.Rule{Subject: "CN=A"}, false},
		{"another order of three", x509attr.Rule{Subject: "CN=a,O=b,C=c"}, x509attr.Rule{Subject: "O=b,CN=a,C=c"}, false},
		{"one RDN or two", x509attr.Rule{Subject: "CN=a,O=b"}, x509attr.Rule{Subject: "CN=a+O=b"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.first.Name, tt.second.Name = "first", "second"
			_, err := x509attr.Compile([]x509attr.Rule{tt.first, tt.second})
			if !tt.wantError {
				if err != nil {
					t.Error(err)
				}
				return
			}
			const want = `x509attr: rule 1 ("second"): subject: the same as that of rule 0 ("first"); ` +
				`leave one out, or pin each to an anchor of its own`
			if err == nil || err.Error() != want {
				t.Errorf("error %v, want %s", err, want)
			}
		})
	}
}

// Names are labels: empty ones and equal ones are fine.
func TestX509_8NamesAreLabels(t *testing.T) {
	_, err := x509attr.Compile([]x509attr.Rule{{Subject: "CN=a"}, {Subject: "CN=b"}, {Name: "x", Subject: "CN=c"}, {Name: "x", Subject: "CN=d"}})
	if err != nil {
		t.Error(err)
	}
}

func TestCompileReportsAllErrors(t *testing.T) {
	m, err := x509attr.Compile([]x509attr.Rule{
		{Name: "fine", Subject: "CN=a"},
		{Name: "two wrong", Subject: "CN", Anchor: "ab"},
		{Name: "attributes", Subject: "CN=b", Attributes: map[string]string{"": "x"}},
		{Name: "again", Subject: "CN=a"},
	})
	if m != nil {
		t.Error("a matcher in spite of errors")
	}
	type problem struct {
		Index       int
		Name, Field string
	}
	var got []problem
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("%v is not joined", err)
	}
	for _, err := range joined.Unwrap() {
		var rule *x509attr.RuleError
		if !errors.As(err, &rule) {
			t.Fatalf("%v is no *RuleError", err)
		}
		got = append(got, problem{rule.Index, rule.Name, rule.Field})
	}
	want := []problem{{1, "two wrong", "subject"}, {1, "two wrong", "anchor"}, {2, "attributes", "attributes"}, {3, "again", "subject"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// X509-6: the ways to write an anchor.
func TestX509_6AnchorSyntax(t *testing.T) {
	tests := []struct {
		name   string
		anchor string
		want   string // the error, without what to write instead; "" if fine
	}{
		{"none", "", ""},
		{"plain", strings.Repeat("0a", 32), ""},
		{"colons, upper case", strings.Repeat("0A:", 31) + "0A", ""},
		{"mixed case", strings.Repeat("aBCd", 16), ""},
		{"SHA-1", strings.Repeat("0a", 20), "offset 40: wrong length"},
		{"one digit less", strings.Repeat("0a", 31) + "0", "offset 63: wrong length"},
		{"one digit more", strings.Repeat("0a", 32) + "0", "offset 65: wrong length"},
		{"colon at the end", strings.Repeat("0a:", 32), "offset 96: wrong length"},
		{"one colon only", "0a:" + strings.Repeat("0a", 31), "offset 5: unexpected character"},
		{"two colons", "0a::" + strings.Repeat("0a", 31), "offset 3: unexpected character"},
		{"no hex", strings.Repeat("0g", 32), "offset 1: unexpected character"},
		{"space", " " + strings.Repeat("0a", 32), "offset 0: unexpected character"},
		{"with the name OpenSSL prints first", "sha256 Fingerprint=" + strings.Repeat("0a", 32), "offset 0: unexpected character"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := x509attr.Compile([]x509attr.Rule{{Name: "r", Subject: "CN=a", Anchor: tt.anchor}})
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			want := `x509attr: rule 0 ("r"): anchor: ` + tt.want + "; write the 64 hex digits of a SHA-256 fingerprint"
			if err == nil || err.Error() != want {
				t.Errorf("error %v, want %s", err, want)
			}
		})
	}
}

func TestCompileAttributes(t *testing.T) {
	tests := []struct {
		name       string
		attributes map[string]string
		want       string // a part of the error; "" if fine
	}{
		{"none", nil, ""},
		{"an empty value", map[string]string{"city": ""}, ""},
		{"no name", map[string]string{"a": "b", "": "x"}, "without a name"},
		{"name not UTF-8", map[string]string{"\xff": "x"}, "not UTF-8"},
		{"value not UTF-8", map[string]string{"city": "\xff"}, `value of "city"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := x509attr.Compile([]x509attr.Rule{{Subject: "CN=a", Attributes: tt.attributes}})
			if (err != nil) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}
