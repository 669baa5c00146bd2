package statestore_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mqttwarden/mqttwarden/statestore"
)

var (
	headLine = regexp.MustCompile(`^\*([1-9][0-9]{0,8})\r\n`)
	bulkLine = regexp.MustCompile(`^\$(0|[1-9][0-9]{0,8})\r\n`)
	stampRow = regexp.MustCompile(`^([0-9]+):([0-9]+):([^:\x00-\x1f\x7f\x{80}-\x{9f}]+)$`)
	pxText   = regexp.MustCompile(`^0*[1-9][0-9]*$`)
)

// readWords is an independent reader of arrays of bulk strings.
func readWords(text string) ([]string, bool) {
	m := headLine.FindStringSubmatch(text)
	if m == nil {
		return nil, false
	}
	count, _ := strconv.Atoi(m[1])
	text = text[len(m[0]):]
	var words []string
	for range count {
		m := bulkLine.FindStringSubmatch(text)
		if m == nil {
			return nil, false
		}
		size, _ := strconv.Atoi(m[1])
		text = text[len(m[0]):]
		if len(text) < size+2 || text[size:size+2] != "\r\n" {
			return nil, false
		}
		words = append(words, text[:size])
		text = text[size+2:]
	}
	return words, text == ""
}

// naiveError returns the error text of words; "" for a command.
func naiveError(words []string) string {
	allowed := map[string][2]int{"SET": {3, 6}, "GET": {2, 2}, "DEL": {2, 2}, "VDEL": {3, 3}, "KEYNOTIFY": {2, 3}}
	count, ok := allowed[words[0]]
	if !ok {
		return "unknown command"
	}
	if len(words) < count[0] || len(words) > count[1] {
		return "wrong number of arguments"
	}
	if words[0] == "KEYNOTIFY" && len(words) == 3 && words[2] != "STOP" {
		return "syntax error"
	}
	if words[0] == "SET" && !naiveOptions(words[3:]) {
		return "syntax error"
	}
	if words[1] == "" {
		return "the key length is zero"
	}
	return ""
}

func naiveOptions(options []string) bool {
	if len(options) > 0 && (options[0] == "NX" || options[0] == "NEX") {
		options = options[1:]
	}
	if len(options) == 0 {
		return true
	}
	if len(options) != 2 || options[0] != "PX" || !pxText.MatchString(options[1]) {
		return false
	}
	_, err := strconv.ParseInt(options[1], 10, 64)
	return err == nil
}

func addWireSeeds(f *testing.F) {
	files, err := filepath.Glob("testdata/wire/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if _, wire, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "> "), " "); ok && line[0] == '>' {
				s, err := strconv.Unquote(`"` + wire + `"`)
				if err != nil {
					f.Fatal(err)
				}
				f.Add([]byte(s))
			}
		}
	}
}

// FuzzParseCommand compares with the naive reader, and encodes what was read.
func FuzzParseCommand(f *testing.F) {
	addWireSeeds(f)
	f.Fuzz(func(t *testing.T, p []byte) {
		c, err := statestore.ParseCommand(p)
		words, whole := readWords(string(p))
		var fault *statestore.SyntaxError
		if errors.As(err, &fault) && (fault.Offset < 0 || fault.Offset > len(p) || fault.Reason == "") {
			t.Fatalf("%q: %+v", p, fault)
		}
		if !whole {
			if fault == nil || !errors.Is(err, statestore.ErrSyntax) {
				t.Fatalf("%q: want a syntax error, got %v", p, err)
			}
			return
		}
		if want := naiveError(words); want != "" {
			if !errors.Is(err, statestore.ReplyError(want)) {
				t.Fatalf("%q: want %s, got %v", words, want, err)
			}
			return
		}
		if err != nil {
			t.Fatalf("%q: %v", words, err)
		}
		again := c.Append(nil)
		if len(again) == len(p) && !bytes.Equal(again, p) {
			t.Fatalf("%q became %q", p, again)
		}
		back, err := statestore.ParseCommand(again)
		if err != nil || !bytes.Equal(back.Append(nil), again) || string(back.Key) != words[1] {
			t.Fatalf("%q became %q: %v", p, again, err)
		}
	})
}

// FuzzParseTimestamp compares with a regular expression, and prints what was
// read.
func FuzzParseTimestamp(f *testing.F) {
	for _, s := range []string{"1:2:a", "001700000000000:00001:StateStore", "1:100000:a", "1:2:a:b", "::", "1:2:\u0085", "9223372036854775808:0:a"} {
		f.Add(s, "1:2:b")
	}
	f.Fuzz(func(t *testing.T, s, other string) {
		got, err := statestore.ParseTimestamp(s)
		m := stampRow.FindStringSubmatch(s)
		ok := m != nil && len(m[3]) <= 256 && utf8.ValidString(s)
		if ok {
			_, wallErr := strconv.ParseInt(m[1], 10, 64)
			counter, counterErr := strconv.ParseInt(m[2], 10, 64)
			ok = wallErr == nil && counterErr == nil && counter <= 99999
		}
		if ok != (err == nil) {
			t.Fatalf("%q: want %v, got %v", s, ok, err)
		}
		if err != nil {
			return
		}
		if back, err := statestore.ParseTimestamp(got.String()); err != nil || back != got {
			t.Fatalf("%q: %v, %v", s, back, err)
		}
		if o, err := statestore.ParseTimestamp(other); err == nil {
			if got.Compare(o) != -o.Compare(got) || (got.Compare(o) == 0) != (got == o) {
				t.Fatalf("%v and %v are not in order", got, o)
			}
		}
	})
}

// FuzzHandle: a request that is refused changes nothing, whatever it is.
func FuzzHandle(f *testing.F) {
	f.Add(payload("SET", "k", "2"), "1700000000000:0:a", "", "1.0")
	f.Add(payload("DEL", "k"), "1700000000000:0:a", "1:0:a", "")
	f.Add(payload("VDEL", "k", "1"), "x", "1700000000000:5:a", "2.0")
	f.Add(payload("KEYNOTIFY", "k"), "", "", "1")
	f.Fuzz(func(t *testing.T, p []byte, ts, ft, version string) {
		store := statestore.NewMemory(2000)
		s := newService(t, statestore.Config{Store: store})
		do(t, s, "a", epoch, "+OK\r\n", "KEYNOTIFY", "k")
		do(t, s, "a", epoch, "+OK\r\n", "SET", "k", "1")
		before, last, used := entry(t, store, "k"), store.LastVersion(), store.Used()

		q := newRequest("b", epoch)
		q.Payload = p
		q.Properties = []property{{Name: "__ts", Value: ts}, {Name: "__ft", Value: ft}, {Name: "__protVer", Value: version}}
		if ft == "" {
			q.Properties = q.Properties[:1]
		}
		var reply statestore.Reply
		ns, err := s.Handle(q, epoch, &reply, nil)
		if err != nil || reply.Fault != nil {
			t.Fatal(err, reply.Fault)
		}
		if len(reply.Payload) > 0 && reply.Payload[0] != '-' {
			return
		}
		if len(ns) != 0 || store.LastVersion() != last || store.Used() != used || entry(t, store, "k") != before {
			t.Fatalf("%q answers %q and changes something", p, reply.Payload)
		}
	})
}

// entry prints what a store has.
func entry(t *testing.T, s statestore.Store, key string) string {
	e, found, err := s.Get([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return strconv.FormatBool(found) + string(e.Value) + e.Version.String() + e.Fence.String()
}
