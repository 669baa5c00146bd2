package wire_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
)

func TestUserProperties(t *testing.T) {
	u := user(t, "__ts", "1", "", "", "__ts", "é")
	if diff := cmp.Diff([]string{"__ts", "1", "", "", "__ts", "é"}, pairs(u.All())); diff != "" {
		t.Errorf("All (-want +got)\n%s", diff)
	}
	if want := (5 + 5) + 5 + (5 + 6); u.Size() != want {
		t.Errorf("Size is %d, want %d", u.Size(), want)
	}
	for name := range u.All() {
		if name == "" {
			break // must not yield again
		}
	}
}

func TestUserPropertiesAddRefuses(t *testing.T) {
	for name, pair := range map[string][2]string{
		"name too long":   {strings.Repeat("n", 65536), ""},
		"value too long":  {"", strings.Repeat("v", 65536)},
		"name not UTF-8":  {"\xFF", ""},
		"value not UTF-8": {"", "\xED\xA0\x80"},
		"null character":  {"a\x00b", ""},
	} {
		t.Run(name, func(t *testing.T) {
			u := user(t, "a", "b")
			if err := u.Add(pair[0], pair[1]); err == nil || !u.Equal(user(t, "a", "b")) {
				t.Errorf("error %v, properties %q", err, pairs(u.All()))
			}
		})
	}
	var u wire.UserProperties
	if err := u.Add(strings.Repeat("n", 65535), strings.Repeat("v", 65535)); err != nil {
		t.Errorf("the longest: %v", err)
	}
}

func TestUserPropertiesAddKeepsCopies(t *testing.T) {
	first := user(t, "a", "b")
	second, third := first, first
	_, _ = second.Add("c", "d"), third.Add("e", "f")
	for _, tt := range []struct{ got, want wire.UserProperties }{
		{first, user(t, "a", "b")}, {second, user(t, "a", "b", "c", "d")}, {third, user(t, "a", "b", "e", "f")},
	} {
		if !tt.got.Equal(tt.want) {
			t.Errorf("%q, want %q", pairs(tt.got.All()), pairs(tt.want.All()))
		}
	}
}

// TestUserPropertiesForwarded: what stands between others is copied once, and
// the frame stays as it was.
func TestUserPropertiesForwarded(t *testing.T) {
	const mixed = "26 0001 61 0001 31  26 0001 62 0001 32  0101  26 0001 63 0001 33  26 0001 64 0001 34  02 00000001  26 0001 65 0001 35"
	block := unhex(t, mixed)
	body := append(unhex(t, "0001 74"), varint(len(block))...)
	body = append(body, block...)
	before := string(body)
	var p wire.Publish
	if err := p.Decode(wire.Frame{Type: wire.PUBLISH, Body: body}, v5); err != nil {
		t.Fatal(err)
	}
	want := user(t, "a", "1", "b", "2", "c", "3", "d", "4", "e", "5")
	if !p.UserProperties.Equal(want) {
		t.Errorf("%q", pairs(p.UserProperties.All()))
	}
	if string(body) != before {
		t.Error("Decode changed the frame")
	}
}
