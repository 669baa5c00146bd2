package strictjson_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/internal/strictjson"
)

func TestErrors(t *testing.T) {
	deep := strings.Repeat("[", 17) + strings.Repeat("]", 17)
	many := `{"a":0,"b":0,"c":0,"d":0,"e":0,"f":0,"g":0,"h":0,"i":0,"\u0061":0}`
	tests := []struct {
		name, text string
		offset     int
		problem    string
	}{
		{"empty", "", 0, "the document ends where a value is wanted"},
		{"white space", " \n", 2, "the document ends where a value is wanted"},
		{"byte order mark", "\ufeff{}", 0, "not a value"},
		{"NUL", "\x00", 0, "not a value"},
		{"second document", "{} {}", 3, "something behind the document"},
		{"trailing NUL", "{}\x00", 2, "something behind the document"},
		{"open object", `{"a":1`, 6, "the document ends inside an object"},
		{"open array", `[`, 1, "the document ends inside an array"},
		{"open string", `"a`, 2, "the document ends inside a string"},
		{"comma at the end of an object", `{"a":1,}`, 7, "not a key"},
		{"comma at the end of an array", `[1,]`, 3, "not a value"},
		{"comma at the beginning", `[,1]`, 1, "not a value"},
		{"no comma", `[1 2]`, 3, "neither a comma nor the end of an array"},
		{"no colon", `{"a" 1}`, 5, "no colon behind a key"},
		{"key without quotes", `{a:1}`, 1, "not a key"},
		{"number as a key", `{1:1}`, 1, "not a key"},
		{"duplicate key", `{"a":1,"a":1}`, 7, "a key that the object has already"},
		{"duplicate key, escaped", `{"a":1,"\u0061":1}`, 7, "a key that the object has already"},
		{"duplicate key below", `{"a":[{"b":1,"c":{},"b":2}]}`, 20, "a key that the object has already"},
		{"duplicate among many", many, 55, "a key that the object has already"},
		{"too deep", deep, 16, "too deep"},
		{"invalid UTF-8", "\"a\xff\"", 2, "invalid UTF-8"},
		{"overlong UTF-8", "\"\xc0\xaf\"", 1, "invalid UTF-8"},
		{"surrogate in UTF-8", "\"\xed\xa0\x80\"", 1, "invalid UTF-8"},
		{"lone high surrogate", `"\ud800"`, 1, "half of a surrogate pair"},
		{"lone low surrogate", `"\udc00\ud800"`, 1, "half of a surrogate pair"},
		{"high surrogate, then no low one", `"\ud800\u0041"`, 1, "half of a surrogate pair"},
		{"unknown escape", `"\x41"`, 1, "unknown escape"},
		{"short escape", `"\u12"`, 1, `\u without four hexadecimal digits`},
		{"backslash at the end", `"\`, 1, "unknown escape"},
		{"line break in a string", "\"\n\"", 1, "a control character in a string; want an escape"},
		{"leading zero", "01", 0, "not a number"},
		{"minus alone", "-", 1, "not a number"},
		{"plus", "+1", 0, "not a value"},
		{"no digits behind the point", "1.", 2, "no digits behind the decimal point"},
		{"no exponent", "1e+", 3, "no digits in the exponent"},
		{"hexadecimal", "0x1", 1, "something behind the document"},
		{"infinity", "Infinity", 0, "not a value"},
		{"not quite true", "tru", 0, "not a value"},
		{"capital letters", "True", 0, "not a value"},
		{"comment", "{} // no", 3, "something behind the document"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v, err := strictjson.Parse([]byte(test.text), strictjson.Limits{})
			var e *strictjson.Error
			if !errors.As(err, &e) {
				t.Fatalf("error %v, want an *Error", err)
			}
			want := &strictjson.Error{Offset: test.offset, Problem: test.problem}
			if diff := cmp.Diff(want, e); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if v.Kind() != strictjson.Invalid {
				t.Errorf("a %v beside the error", v.Kind())
			}
		})
	}
}

func TestLimits(t *testing.T) {
	tests := []struct {
		name, text string
		limits     strictjson.Limits
		wrong      bool
	}{
		{"as long as allowed", `"abc"`, strictjson.Limits{Bytes: 5}, false},
		{"too long", `"abcd"`, strictjson.Limits{Bytes: 5}, true},
		{"as deep as allowed", `{"a":[]}`, strictjson.Limits{Depth: 2}, false},
		{"too deep", `{"a":[{}]}`, strictjson.Limits{Depth: 2}, true},
		{"default length", `"` + strings.Repeat("a", strictjson.DefaultBytes-2) + `"`, strictjson.Limits{}, false},
		{"longer than that", `"` + strings.Repeat("a", strictjson.DefaultBytes-1) + `"`, strictjson.Limits{}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := strictjson.Parse([]byte(test.text), test.limits)
			if (err != nil) != test.wrong {
				t.Errorf("error %v", err)
			}
		})
	}
}

func parse(t testing.TB, text string) strictjson.Value {
	t.Helper()
	v, err := strictjson.Parse([]byte(text), strictjson.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestValues(t *testing.T) {
	text := ` {"s":"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é","n":-1.50E+2,"i":-9223372036854775808,"t":true,"f":false,"z":null,"a":[1,{"s":2},[]],"":"empty"} `
	object, err := parse(t, text).Object()
	if err != nil {
		t.Fatal(err)
	}
	if object.Len() != 8 {
		t.Errorf("%d members", object.Len())
	}
	var keys []string
	for key, v := range object.All() {
		keys = append(keys, key)
		if again, ok := object.Get(key); !ok || again != v {
			t.Errorf("Get(%q) and All differ", key)
		}
	}
	if diff := cmp.Diff([]string{"s", "n", "i", "t", "f", "z", "a", ""}, keys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	get := func(key string) strictjson.Value {
		v, _ := object.Get(key)
		return v
	}
	s, err := get("s").Text()
	if want := "a\"\\/\b\f\n\r\té😀é"; s != want || err != nil {
		t.Errorf("text %q, %v, want %q", s, err, want)
	}
	if b, err := get("s").AppendText([]byte("x")); string(b) != "x"+s || err != nil {
		t.Errorf("appended %q, %v", b, err)
	}
	if b := get("s").AppendRaw([]byte("x")); string(b) != `x"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é"` {
		t.Errorf("appended as it stands: %s", b)
	}
	if b := get("missing").AppendRaw([]byte("x")); string(b) != "x" {
		t.Errorf("nothing, appended: %s", b)
	}
	if n, err := get("n").Number(); n != "-1.50E+2" || err != nil {
		t.Errorf("number %q, %v", n, err)
	}
	if i, err := get("i").Int64(); i != -1<<63 || err != nil {
		t.Errorf("integer %d, %v", i, err)
	}
	for key, want := range map[string]bool{"t": true, "f": false} {
		if b, err := get(key).Bool(); b != want || err != nil {
			t.Errorf("%s: %v, %v", key, b, err)
		}
	}
	elements, err := get("a").Array()
	if err != nil || len(elements) != 3 {
		t.Fatalf("elements %v, %v", elements, err)
	}
	if got := text[elements[1].Offset():][:7]; got != `{"s":2}` {
		t.Errorf("the second element is at %q", got)
	}
	if _, ok := object.Get("S"); ok {
		t.Error("a key in other letter case was found")
	}
	if _, ok := object.Get("missing"); ok {
		t.Error("a missing key was found")
	}
}

// Nothing is converted, and the zero Value answers nothing.
func TestWrongKind(t *testing.T) {
	values := map[strictjson.Kind]strictjson.Value{
		strictjson.Invalid: {}, strictjson.Null: parse(t, " null"), strictjson.Bool: parse(t, " true"),
		strictjson.Number: parse(t, " 1"), strictjson.String: parse(t, ` "1"`),
		strictjson.Array: parse(t, " []"), strictjson.Object: parse(t, " {}"),
	}
	getters := map[strictjson.Kind][]func(strictjson.Value) error{
		strictjson.Bool: {func(v strictjson.Value) error { _, err := v.Bool(); return err }},
		strictjson.Number: {
			func(v strictjson.Value) error { _, err := v.Number(); return err },
			func(v strictjson.Value) error { _, err := v.Int64(); return err },
		},
		strictjson.String: {
			func(v strictjson.Value) error { _, err := v.Text(); return err },
			func(v strictjson.Value) error { _, err := v.AppendText(nil); return err },
		},
		strictjson.Array:  {func(v strictjson.Value) error { _, err := v.Array(); return err }},
		strictjson.Object: {func(v strictjson.Value) error { _, err := v.Object(); return err }},
	}
	for kind, v := range values {
		if v.Kind() != kind {
			t.Errorf("a %v is a %v", kind, v.Kind())
		}
		for wanted, list := range getters {
			for i, get := range list {
				err := get(v)
				if (err == nil) != (kind == wanted) {
					t.Errorf("%v asked for a %v (%d): %v", kind, wanted, i, err)
				}
				if err != nil && !strings.Contains(err.Error(), kind.String()+" where a value of kind "+wanted.String()) {
					t.Errorf("unclear: %v", err)
				}
			}
		}
	}
	for _, text := range []string{"1.0", "1e2", "9223372036854775808", "-0.5"} {
		if i, err := parse(t, text).Int64(); err == nil {
			t.Errorf("Int64 of %s: %d, want an error", text, i)
		}
	}
}

// S-18: an error does not quote the document.
func TestErrorsQuoteNothing(t *testing.T) {
	for _, text := range []string{`{"secret":"hunter2","secret":"hunter2"}`, `"hunter2`, `hunter2`, `{"a":hunter2}`, "\"hunter2\xff\""} {
		if _, err := strictjson.Parse([]byte(text), strictjson.Limits{}); err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
