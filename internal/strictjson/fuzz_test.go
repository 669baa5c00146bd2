package strictjson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mqttwarden/mqttwarden/internal/strictjson"
)

// FuzzParse holds the parser against encoding/json: it accepts the same
// documents, but for duplicate keys, depth, and text that is not Unicode, and
// reads the same in them.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"expiry":"2030-05-08T20:04:16+00:00","attributes":{"a":"b","c":"\u00e9\ud83d\ude00"}}`,
		`{"a":{"b":[1,-2.5e3,true,false,null,"",{}]}}`, `{"a":1,"\u0061":2}`, ` [ ] `, `[1,]`, `"\ud800"`, "\"\xff\"", `0`, `-`, `1E400`, `[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]`,
		`{"a":0,"b":0,"c":0,"d":0,"e":0,"f":0,"g":0,"h":0,"i":0,"a":0}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := strictjson.Parse(data, strictjson.Limits{})
		want, reason := naive(data)
		if (err == nil) != (reason == "") {
			t.Fatalf("%q: error %v, the naive reader says %q", data, err, reason)
		}
		if err != nil {
			var e *strictjson.Error
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(data) {
				t.Fatalf("%q: error %#v", data, err)
			}
			return
		}
		if got := generic(t, v); !reflect.DeepEqual(want, got) {
			t.Fatalf("%q: read %#v, want %#v", data, got, want)
		}
	})
}

// naive reads with encoding/json, and says why the document is not to be
// accepted.
func naive(data []byte) (any, string) {
	switch {
	case len(data) > strictjson.DefaultBytes:
		return nil, "too long"
	case !utf8.Valid(data):
		return nil, "invalid UTF-8"
	case !json.Valid(data):
		return nil, "invalid JSON"
	case loneSurrogate(data):
		return nil, "lone surrogate"
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	reason := odd(d, 0)
	if reason != "" {
		return nil, reason
	}
	d = json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err.Error()
	}
	return v, ""
}

// odd walks one value's tokens.
func odd(d *json.Decoder, depth int) string {
	token, err := d.Token()
	if errors.Is(err, io.EOF) {
		return "nothing"
	}
	open, ok := token.(json.Delim)
	if !ok {
		return ""
	}
	if depth == strictjson.DefaultDepth {
		return "too deep"
	}
	keys := make(map[string]bool)
	for d.More() {
		if open == '{' {
			token, _ := d.Token()
			key, _ := token.(string)
			if keys[key] {
				return "duplicate key"
			}
			keys[key] = true
		}
		if reason := odd(d, depth+1); reason != "" {
			return reason
		}
	}
	_, _ = d.Token()
	return ""
}

// loneSurrogate looks for an escape that encoding/json replaces by U+FFFD. A
// literal or escaped U+FFFD is put aside first.
func loneSurrogate(data []byte) bool {
	marked := strings.ReplaceAll(string(data), "\ufffd", "x")
	marked = replaceEscape(marked)
	var v any
	if json.Unmarshal([]byte(marked), &v) != nil {
		return false
	}
	again, _ := json.Marshal(v)
	return bytes.Contains(again, []byte("\ufffd")) || bytes.Contains(again, []byte(`\ufffd`))
}

// replaceEscape replaces \ufffd, but not \\ufffd.
func replaceEscape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] != '\\' || i+1 == len(s):
			b.WriteByte(s[i])
		case len(s) >= i+6 && strings.EqualFold(s[i:i+6], `\ufffd`) && s[i+1] == 'u':
			b.WriteByte('x')
			i += 5
		default:
			b.WriteString(s[i : i+2])
			i++
		}
	}
	return b.String()
}

// generic returns what encoding/json would put into an any.
func generic(t *testing.T, v strictjson.Value) any {
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	switch v.Kind() {
	case strictjson.Null:
		return nil
	case strictjson.Bool:
		b, err := v.Bool()
		must(err)
		return b
	case strictjson.Number:
		n, err := v.Number()
		must(err)
		return json.Number(n)
	case strictjson.String:
		s, err := v.Text()
		must(err)
		return s
	case strictjson.Array:
		elements, err := v.Array()
		must(err)
		list := []any{}
		for _, e := range elements {
			list = append(list, generic(t, e))
		}
		return list
	case strictjson.Object:
		members, err := v.Object()
		must(err)
		object := map[string]any{}
		for key, value := range members.All() {
			object[key] = generic(t, value)
		}
		if len(object) != members.Len() {
			t.Fatalf("%d keys of %d members", len(object), members.Len())
		}
		return object
	default:
		t.Fatalf("a %v", v.Kind())
		return nil
	}
}

// FuzzString writes a string and reads it back, with both readers.
func FuzzString(f *testing.F) {
	for _, seed := range []string{"", "a\"b\\c/\x00\x1f\x7f\u2028é😀", "\xff\xed\xa0\x80", "</script>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		written := strictjson.AppendString(nil, s)
		want := strings.ToValidUTF8(s, "\ufffd")
		if !utf8.ValidString(s) { // one replacement for each byte, not for each run
			want = string([]rune(s))
		}
		var other string
		if err := json.Unmarshal(written, &other); err != nil || other != want {
			t.Fatalf("%q: encoding/json reads %q, %v", s, other, err)
		}
		v, err := strictjson.Parse(written, strictjson.Limits{Bytes: len(written)})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := v.Text(); got != want || err != nil {
			t.Fatalf("%q: read back %q, %v", s, got, err)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	text := []byte(`{"expiry":"2030-05-08T20:04:16+00:00","attributes":{"floor":"floor1","site":"site1","role":"press"}}`)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := strictjson.Parse(text, strictjson.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}
