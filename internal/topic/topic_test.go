package topic_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/mqttwarden/mqttwarden/internal/topic"
)

func TestCheckName(t *testing.T) {
	tests := []struct {
		name, in string
		want     error
		offset   int
	}{
		{"one level", "a", nil, 0},
		{"levels", "a/b c/ü", nil, 0},
		{"only slash", "/", nil, 0},
		{"dollar", "$SYS/a", nil, 0},
		{"replacement character is text", "a\uFFFD", nil, 0},
		{"control characters but NUL are text", "a\x01\n", nil, 0},
		{"longest", strings.Repeat("a", topic.MaxBytes), nil, 0},
		{"empty", "", topic.ErrEmpty, 0},
		{"too long", strings.Repeat("a", topic.MaxBytes+1), topic.ErrTooLong, topic.MaxBytes},
		{"NUL", "a/\x00", topic.ErrNUL, 2},
		{"invalid UTF-8", "ab\xff", topic.ErrUTF8, 2},
		{"replacement before invalid", "\uFFFD\xff", topic.ErrUTF8, 3},
		{"surrogate", "a\xed\xa0\x80", topic.ErrUTF8, 1},
		{"overlong slash", "a\xc0\xafb", topic.ErrUTF8, 1},
		{"plus", "a/+", topic.ErrWildcard, 2},
		{"plus inside", "a+b", topic.ErrWildcard, 1},
		{"hash", "a/#", topic.ErrWildcard, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { wantError(t, topic.CheckName(tt.in), tt.want, tt.offset) })
	}
}

func TestCheckFilter(t *testing.T) {
	tests := []struct {
		name, in string
		want     error
		offset   int
	}{
		{"plain", "a/b", nil, 0},
		{"plus", "+", nil, 0},
		{"plus everywhere", "+/+/", nil, 0},
		{"hash", "#", nil, 0},
		{"hash last", "a/#", nil, 0},
		{"hash after empty level", "/#", nil, 0},
		{"plus and hash", "+/#", nil, 0},
		{"empty", "", topic.ErrEmpty, 0},
		{"NUL", "a\x00", topic.ErrNUL, 1},
		{"invalid UTF-8", "\xff", topic.ErrUTF8, 0},
		{"plus not alone, after", "a/b+", topic.ErrPlus, 3},
		{"plus not alone, before", "+a", topic.ErrPlus, 0},
		{"two plus", "++", topic.ErrPlus, 0},
		{"hash not last", "#/a", topic.ErrHash, 0},
		{"hash not alone", "a#", topic.ErrHash, 1},
		{"hash with slash", "a/#/", topic.ErrHash, 2},
		{"two hashes", "##", topic.ErrHash, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { wantError(t, topic.CheckFilter(tt.in), tt.want, tt.offset) })
	}
}

// TestS25ParseFilter is AUTHZ-8 and S-25: malformed shares are refused, others
// are their plain filter with a group.
func TestS25ParseFilter(t *testing.T) {
	tests := []struct {
		in     string
		want   topic.Filter
		err    error
		offset int
	}{
		{"a/+", topic.Filter{Filter: "a/+"}, nil, 0},
		{"$share/g/a/#", topic.Filter{Share: "g", Filter: "a/#"}, nil, 0},
		{"$share/g//", topic.Filter{Share: "g", Filter: "/"}, nil, 0},
		{"$share/g/#", topic.Filter{Share: "g", Filter: "#"}, nil, 0},
		{"$share/$share/a", topic.Filter{Share: "$share", Filter: "a"}, nil, 0},
		{"$share/g/$SYS/#", topic.Filter{Share: "g", Filter: "$SYS/#"}, nil, 0},
		{"$SHARE/g/a", topic.Filter{Filter: "$SHARE/g/a"}, nil, 0},
		{"$shared/g/a", topic.Filter{Filter: "$shared/g/a"}, nil, 0},
		{"a/$share/g/b", topic.Filter{Filter: "a/$share/g/b"}, nil, 0},
		{"$share/g/$sharex/a", topic.Filter{Share: "g", Filter: "$sharex/a"}, nil, 0},
		{"$share", topic.Filter{}, topic.ErrShare, 6},
		{"$share/", topic.Filter{}, topic.ErrEmpty, 7},
		{"$share//a", topic.Filter{}, topic.ErrEmpty, 7},
		{"$share/g", topic.Filter{}, topic.ErrShare, 8},
		{"$share/g/", topic.Filter{}, topic.ErrShare, 9},
		{"$share/+/a", topic.Filter{}, topic.ErrWildcard, 7},
		{"$share/#", topic.Filter{}, topic.ErrWildcard, 7},
		{"$share/g#/a", topic.Filter{}, topic.ErrWildcard, 8},
		{"$share/g/a#", topic.Filter{}, topic.ErrHash, 10},
		{"$share/g/$share/h/a", topic.Filter{}, topic.ErrShare, 9},
		{"$share/g/$share", topic.Filter{}, topic.ErrShare, 9},
		{"$share/g/a\x00", topic.Filter{}, topic.ErrNUL, 10},
		{"$share/\xff/a", topic.Filter{}, topic.ErrUTF8, 7},
		{"a/#/b", topic.Filter{}, topic.ErrHash, 2},
		{"", topic.Filter{}, topic.ErrEmpty, 0},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			got, err := topic.ParseFilter(tt.in)
			wantError(t, err, tt.err, tt.offset)
			if got != tt.want {
				t.Errorf("ParseFilter(%q) = %+v, want %+v", tt.in, got, tt.want)
			}
			if err == nil && got.String() != tt.in {
				t.Errorf("String() = %q, want %q", got.String(), tt.in)
			}
		})
	}
}

func TestMatch(t *testing.T) {
	tests := []struct {
		filter, name string
		want         bool
	}{
		// MQTT 5.0 section 4.7.1.2 and 4.7.1.3.
		{"sport/tennis/player1/#", "sport/tennis/player1", true},
		{"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
		{"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
		{"sport/#", "sport", true},
		{"#", "a/b/c", true},
		{"#", "/", true},
		{"sport/tennis/+", "sport/tennis/player1", true},
		{"sport/tennis/+", "sport/tennis/player1/ranking", false},
		{"sport/+", "sport", false},
		{"sport/+", "sport/", true},
		{"+", "/finance", false},
		{"+/+", "/finance", true},
		{"/+", "/finance", true},
		// Section 4.7.2.
		{"#", "$SYS/a", false},
		{"+/monitor/Clients", "$SYS/monitor/Clients", false},
		{"$SYS/#", "$SYS/a", true},
		{"$SYS/+", "$SYS/a", true},
		{"a/+", "a/$b", true},
		{"+/#", "$a", false},
		// Empty levels and letter case (S-80).
		{"a//b", "a/b", false},
		{"a/b", "a/b/", false},
		{"/a/b", "a/b", false},
		{"a/+/b", "a//b", true},
		{"a", "A", false},
		{"a/#", "ab", false},
		{"a/#", "a/", true},
		{"+/#", "a", true},
		{"+/#", "/", true},
		{"a/b/#", "a", false},
		{"a/b", "a", false},
		{"", "", false},
		{"#", "", false},
		{"", "a", false},
	}
	for _, tt := range tests {
		if got := topic.Match(tt.filter, tt.name); got != tt.want {
			t.Errorf("Match(%q, %q) = %v, want %v", tt.filter, tt.name, got, tt.want)
		}
	}
}

// TestMatchExhaustive compares Match with naiveMatch on all filters and names
// of up to four levels.
func TestMatchExhaustive(t *testing.T) {
	filters := words([]string{"a", "b", "", "$x", "+", "#"}, 4)
	names := words([]string{"a", "b", "", "$x"}, 4)
	checked := 0
	for _, f := range filters {
		if topic.CheckFilter(f) != nil {
			continue
		}
		for _, n := range names {
			if topic.CheckName(n) != nil {
				continue
			}
			checked++
			if got, want := topic.Match(f, n), naiveMatch(f, n); got != want {
				t.Fatalf("Match(%q, %q) = %v, want %v", f, n, got, want)
			}
		}
	}
	if checked < 100_000 {
		t.Fatalf("only %d pairs were compared", checked)
	}
}

func TestNext(t *testing.T) {
	for _, s := range []string{"", "a", "/", "a/", "/a", "a//b", "a/b/c", "///"} {
		var got []string
		var level string
		for rest, more := s, true; more; {
			level, rest, more = topic.Next(rest)
			got = append(got, level)
		}
		if strings.Join(got, "/") != s || len(got) != topic.Levels(s) {
			t.Errorf("levels of %q are %q, Levels says %d", s, got, topic.Levels(s))
		}
	}
}

// TestReservedForPublish is AUTHZ-16.
func TestReservedForPublish(t *testing.T) {
	const id = "FA9AE35F-2F64-47CD-9BFF-08E2B32A0FE8"
	tests := []struct {
		name string
		want bool
	}{
		{"$share", true},
		{"$share/g/a", true},
		{"$SYS", true},
		{"$SYS/", true},
		{"$SYS/broker/uptime", true},
		{"clients/statestore/v1/" + id, true},
		{"clients/statestore/v1/" + id + "/AB/command/notify/CD", true},
		{"statestore/v1/" + id, true},
		{"statestore/v1/" + id + "/", true},
		{"statestore/v1/" + id + "/command", true},
		{"statestore/v1/" + id + "/command/invoke/", true},
		{"statestore/v1/" + id + "/command/invoke/x", true},
		{topic.StateStoreRequest, false},
		{"statestore/v1/" + id + "/command/invoke", false},
		{"", false},
		{"$SHARE/g/a", false},
		{"$shared", false},
		{"$SYSTEM", false},
		{"$sys/a", false},
		{"a/$SYS", false},
		{"/$SYS", false},
		{"clients", false},
		{"clients/statestore/v1", false},
		{"clients/statestore/v1/other/x", false},
		{"clients/me/statestore/v1/" + id + "/command/invoke", false},
		{"statestore/v1/" + id + "x/command", false},
		{"statestore/v1/" + strings.ToLower(id) + "/command", false},
	}
	for _, tt := range tests {
		if got := topic.ReservedForPublish(tt.name); got != tt.want {
			t.Errorf("ReservedForPublish(%q) = %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestS28DeepTopic is S-28: depth costs neither stack nor allocation.
func TestS28DeepTopic(t *testing.T) {
	deep := strings.Repeat("/", topic.MaxBytes)
	if err := topic.CheckName(deep); err != nil {
		t.Fatal(err)
	}
	plus := strings.Repeat("+/", topic.MaxBytes/2) + "#"
	if !topic.Match(plus, strings.Repeat("/", topic.MaxBytes/2)) {
		t.Error("a deep filter does not match its deep name")
	}
	if topic.Levels(deep) != topic.MaxBytes+1 {
		t.Errorf("Levels = %d", topic.Levels(deep))
	}
}

func TestNoAllocation(t *testing.T) {
	name := "plant/17/line/4/sensor/temperature"
	allocs := testing.AllocsPerRun(100, func() {
		if topic.CheckName(name) != nil || topic.CheckFilter("plant/+/#") != nil ||
			!topic.Match("plant/+/line/#", name) || topic.ReservedForPublish(name) {
			t.Error("wrong decision")
		}
		if _, err := topic.ParseFilter("$share/group/plant/#"); err != nil {
			t.Error(err)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations, want 0", allocs)
	}
}

func BenchmarkMatch(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		topic.Match("plant/+/line/+/sensor/#", "plant/17/line/4/sensor/temperature")
	}
}

func BenchmarkCheckName(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if err := topic.CheckName("plant/17/line/4/sensor/temperature"); err != nil {
			b.Fatal(err)
		}
	}
}

// wantError fails unless err is an *Error around want at offset, or nil.
func wantError(t *testing.T, err, want error, offset int) {
	t.Helper()
	if want == nil {
		if err != nil {
			t.Errorf("error %v, want none", err)
		}
		return
	}
	var e *topic.Error
	if !errors.As(err, &e) || !errors.Is(err, want) || e.Offset != offset {
		t.Errorf("error %v, want %v at %d", err, want, offset)
	}
}
