package resource_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/mqttwarden/mqttwarden/broker/resource"
)

const seeded = "SEEDED-SECRET"

// TestValueRedacts prints a value in every way the standard library has.
func TestValueRedacts(t *testing.T) {
	v := resource.NewValue([]byte(seeded))
	type hidden struct{ v resource.Value }
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v, "h", hidden{v})
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v, "h", hidden{v})
	printed := []string{log.String(), v.String(), v.GoString()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p", "%t", "%08.3f"} {
		printed = append(printed, fmt.Sprintf(verb, v), fmt.Sprintf(verb, &v), fmt.Sprintf(verb, hidden{v}), fmt.Sprintf(verb, []resource.Value{v}))
	}
	for _, p := range []any{v, map[string]resource.Value{"k": v}, resource.Secret{Data: map[string]resource.Value{"k": v}}} {
		b, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		printed = append(printed, string(b))
	}
	for _, p := range printed {
		if leaks(p) {
			t.Errorf("leaks in %s", p)
		}
	}
	if fmt.Sprint(v) != "[redacted]" {
		t.Errorf("prints as %s", v)
	}
}

func leaks(s string) bool {
	s = strings.ToUpper(s)
	return strings.Contains(s, seeded) || strings.Contains(s, fmt.Sprintf("%X", seeded)) || strings.Contains(s, fmt.Sprint([]byte(seeded)))
}

func TestValue(t *testing.T) {
	b := []byte(seeded)
	v := resource.NewValue(b)
	b[0] = 'X'
	v.Bytes()[1] = 'X'
	if v.Reveal() != seeded || string(v.Bytes()) != seeded {
		t.Error("the value changed with bytes that were passed in or handed out")
	}
	if !v.Equal(resource.NewValue([]byte(seeded))) || v.Equal(resource.NewValue([]byte("other"))) {
		t.Error("Equal does not compare the bytes")
	}
	var zero resource.Value
	if zero.Reveal() != "" || zero.Bytes() != nil || !zero.Equal(resource.NewValue(nil)) || zero.Equal(v) {
		t.Error("the zero value is not the empty secret")
	}
}

// TestErrorsHideSecrets breaks documents with secrets in many ways: no message
// repeats one.
func TestErrorsHideSecrets(t *testing.T) {
	const secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n"
	const custom = methodHead + "  - method: Custom\n    customSettings:\n      endpoint: https://a\n"
	documents := []string{
		secret + "stringData:\n  p: *SEEDED-SECRET\n",
		secret + "stringData:\n  p: &SEEDED-SECRET\n",
		secret + "stringData:\n  p: !SEEDED-SECRET x\n",
		secret + "stringData:\n  p: !!int SEEDED-SECRET\n",
		secret + "stringData:\n  p: [SEEDED-SECRET]\n",
		secret + "stringData:\n  p: {SEEDED-SECRET}\n",
		secret + "stringData:\n  p: %SEEDED-SECRET\n",
		secret + "stringData:\n  p: @SEEDED-SECRET\n",
		secret + "stringData:\n  p: 'SEEDED-SECRET\n",
		secret + "stringData:\n  p: \"SEEDED-SECRET\\q\"\n",
		secret + "stringData:\n  p: a: SEEDED-SECRET\n",
		secret + "stringData:\n  p = SEEDED-SECRET\n",
		secret + "stringData:\n- SEEDED-SECRET\n",
		secret + "stringData: SEEDED-SECRET = x\n",
		secret + "data:\n  p: SEEDED-SECRET!\n",
		secret + "type: [SEEDED-SECRET]\n",
		secret + "immutable: SEEDED-SECRET\n",
		secret + "password: SEEDED-SECRET\n",
		custom + "      headers: {Authorization: \"SEEDED-SECRET\\n\"}\n",
		custom + "      headers: {Host: SEEDED-SECRET}\n",
		custom + "      headers: {Authorization: [SEEDED-SECRET]}\n",
		strings.Replace(custom, "https://a", "https://u:SEEDED-SECRET@a", 1),
		strings.Replace(custom, "https://a", "\"https://u:SEEDED-SECRET@a\\x7f\"", 1),
		strings.Replace(custom, "https://a", "https://a?key=SEEDED-SECRET", 1),
	}
	for _, text := range documents {
		for _, file := range []string{"f.yaml", "f.json"} {
			_, err := resource.Parse(file, []byte(text))
			if err == nil {
				t.Errorf("%s: no error for\n%s", file, text)
				continue
			}
			if leaks(fmt.Sprintf("%v %+v %#v", err, err, err)) {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
}

// TestNumbersAreHidden covers scalars that are secrets by accident of notation.
func TestNumbersAreHidden(t *testing.T) {
	_, err := resource.Parse("f.yaml", []byte("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {pin: 8675309}\n"))
	const want = "f.yaml:4:19: stringData.pin: want a string, found a number; put the value in quotes"
	if err == nil || err.Error() != want {
		t.Errorf("error = %v, want %s", err, want)
	}
}

// TestSetHidesSecrets prints a whole set that holds some.
func TestSetHidesSecrets(t *testing.T) {
	set, err := resource.Load("testdata/valid/secret.yaml", "testdata/valid/method-settings.yaml", "testdata/valid/tutorial.yaml")
	if err != nil {
		t.Fatal(err)
	}
	j, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	printed := string(j)
	for _, s := range set.Secrets {
		printed += fmt.Sprintf("%v %+v %#v %+v %#v", s, s, s, *s, *s)
	}
	for _, a := range set.Authentications {
		for _, m := range a.Methods {
			printed += fmt.Sprintf("%+v %#v", m, m)
			if m.Custom != nil {
				printed += fmt.Sprintf("%+v %#v", *m.Custom, *m.Custom)
			}
		}
	}
	if leaks(printed) {
		t.Errorf("leaks in %s", printed)
	}
	if !strings.Contains(printed, "[redacted]") {
		t.Error("no value was printed at all")
	}
}
