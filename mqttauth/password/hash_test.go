package password_test

import (
	"crypto/pbkdf2"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/mqttwarden/mqttwarden/mqttauth/password"
)

// PASS-2: the users that the documents print, and the hash that the former
// command line tool printed for TestPassword.
func TestDocumentedHashes(t *testing.T) {
	tests := []struct{ phrase, hash string }{
		{"password", "$pbkdf2-sha512$i=100000,l=64$HqJwOCHweNk1pLryiu3RsA$KVSvxKYcibIG5S5n55RvxKRTdAAfCUtBJoy5IuFzdSZyzkwvUcU+FPawEWFPn+06JyZsndfRTfpiEh+2eSJLkg"},
		{"password2", "$pbkdf2-sha512$i=100000,l=64$+H7jXzcEbq2kkyvpxtxePQ$jTzW6fSesiuNRLMIkDDAzBEILk7iyyDZ3rjlEwQap4UJP4TaCR+EXQXNukO7qNJWlPPP8leNnJDCBgX/255Ezw"},
		{"TestPassword", "$pbkdf2-sha512$i=210000,l=64$4SnaHtmi7m++00fXNHMTOQ$rPT8BWv7IszPDtpj7gFC40RhhPuP66GJHIpL5G7SYvw+8rFrybyRGDy+PVBYClmdHQGEoy0dvV+ytFTKoYSS4A"},
	}
	for _, test := range tests {
		t.Run(test.phrase, func(t *testing.T) {
			h, err := password.Parse(test.hash)
			if err != nil {
				t.Fatal(err)
			}
			if !h.Verify([]byte(test.phrase)) {
				t.Error("does not verify")
			}
			if h.Verify([]byte(test.phrase + "x")) {
				t.Error("verifies another password")
			}
			if got := h.String(); got != test.hash {
				t.Errorf("String() = %s", got)
			}
		})
	}
}

// cheap returns the hash of phrase with few iterations, made by other means
// than the package's own.
func cheap(t testing.TB, phrase string, iterations int) string {
	t.Helper()
	salt := []byte("0123456789abcdef")
	sum, err := pbkdf2.Key(sha512.New, phrase, salt, iterations, 64)
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$pbkdf2-sha512$i=%d,l=64$%s$%s", iterations, b64.EncodeToString(salt), b64.EncodeToString(sum))
}

func mustParse(t testing.TB, s string) password.Hash {
	t.Helper()
	h, err := password.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestParseErrors(t *testing.T) {
	const (
		salt = "HqJwOCHweNk1pLryiu3RsA"
		sum  = "KVSvxKYcibIG5S5n55RvxKRTdAAfCUtBJoy5IuFzdSZyzkwvUcU+FPawEWFPn+06JyZsndfRTfpiEh+2eSJLkg"
	)
	of := func(bytes int) string { return base64.RawStdEncoding.EncodeToString(make([]byte, bytes)) }
	tests := []struct{ name, hash, want string }{
		{"empty", "", "five fields"},
		{"a plain password", "hunter2", "five fields"},
		{"text before", "x$pbkdf2-sha512$i=1,l=64$" + salt + "$" + sum, "five fields"},
		{"a field more", "$pbkdf2-sha512$i=1,l=64$" + salt + "$" + sum + "$", "five fields"},
		{"a field less", "$pbkdf2-sha512$i=1,l=64$" + sum, "five fields"},
		{"bcrypt", "$2y$10$a$b", "algorithm"},
		{"sha256", "$pbkdf2-sha256$i=1,l=64$" + salt + "$" + sum, "algorithm"},
		{"upper case", "$PBKDF2-SHA512$i=1,l=64$" + salt + "$" + sum, "algorithm"},
		{"no length", "$pbkdf2-sha512$i=1$" + salt + "$" + sum, "parameters"},
		{"other length", "$pbkdf2-sha512$i=1,l=32$" + salt + "$" + sum, "parameters"},
		{"other order", "$pbkdf2-sha512$l=64,i=1$" + salt + "$" + sum, "parameters"},
		{"a parameter more", "$pbkdf2-sha512$i=1,l=64,x=1$" + salt + "$" + sum, "parameters"},
		{"a blank", "$pbkdf2-sha512$i=1, l=64$" + salt + "$" + sum, "parameters"},
		{"no iterations", "$pbkdf2-sha512$i=,l=64$" + salt + "$" + sum, "i must be"},
		{"zero", "$pbkdf2-sha512$i=0,l=64$" + salt + "$" + sum, "i must be"},
		{"negative", "$pbkdf2-sha512$i=-1,l=64$" + salt + "$" + sum, "i must be"},
		{"plus", "$pbkdf2-sha512$i=+1,l=64$" + salt + "$" + sum, "i must be"},
		{"leading zero", "$pbkdf2-sha512$i=01,l=64$" + salt + "$" + sum, "i must be"},
		{"underscore", "$pbkdf2-sha512$i=1_0,l=64$" + salt + "$" + sum, "i must be"},
		{"hexadecimal", "$pbkdf2-sha512$i=0x1,l=64$" + salt + "$" + sum, "i must be"},
		{"one too many", "$pbkdf2-sha512$i=10000001,l=64$" + salt + "$" + sum, "i must be"},
		{"more than 32 bits", "$pbkdf2-sha512$i=4294967297,l=64$" + salt + "$" + sum, "i must be"},
		{"absurd", "$pbkdf2-sha512$i=" + strings.Repeat("9", 1000) + ",l=64$" + salt + "$" + sum, "i must be"},
		{"no salt", "$pbkdf2-sha512$i=1,l=64$$" + sum, "salt"},
		{"short salt", "$pbkdf2-sha512$i=1,l=64$" + of(7) + "$" + sum, "salt"},
		{"long salt", "$pbkdf2-sha512$i=1,l=64$" + of(65) + "$" + sum, "salt"},
		{"padded salt", "$pbkdf2-sha512$i=1,l=64$" + salt + "==$" + sum, "salt"},
		{"salt with a stray bit", "$pbkdf2-sha512$i=1,l=64$HqJwOCHweNk1pLryiu3RsB$" + sum, "salt"},
		{"salt in base64url", "$pbkdf2-sha512$i=1,l=64$HqJwOCHweNk1pLryiu3R-A$" + sum, "salt"},
		{"salt with a line end", "$pbkdf2-sha512$i=1,l=64$HqJwOCHweNk1\npLryiu3RsA$" + sum, "salt"},
		{"no hash", "$pbkdf2-sha512$i=1,l=64$" + salt + "$", "the hash must be"},
		{"short hash", "$pbkdf2-sha512$i=1,l=64$" + salt + "$" + of(63), "the hash must be"},
		{"long hash", "$pbkdf2-sha512$i=1,l=64$" + salt + "$" + of(65), "the hash must be"},
		{"padded hash", "$pbkdf2-sha512$i=1,l=64$" + salt + "$" + sum + "==", "the hash must be"},
		{"hash with a line end", "$pbkdf2-sha512$i=1,l=64$" + salt + "$" + sum + "\n", "the hash must be"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h, err := password.Parse(test.hash)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "password: ") {
				t.Fatalf("got %v, want an error with %q", err, test.want)
			}
			if (h != password.Hash{}) {
				t.Error("a hash beside the error")
			}
			for _, text := range []string{salt, sum, "hunter2"} { // S-18: a password may stand in the wrong place
				if strings.Contains(err.Error(), text) {
					t.Errorf("the error quotes the text: %v", err)
				}
			}
		})
	}
}

func TestParseBounds(t *testing.T) {
	sum := strings.Repeat("A", 86)
	for _, s := range []string{
		"$pbkdf2-sha512$i=1,l=64$" + strings.Repeat("A", 11) + "$" + sum,        // 8 bytes of salt
		"$pbkdf2-sha512$i=10000000,l=64$" + strings.Repeat("A", 86) + "$" + sum, // 64 bytes
	} {
		if h, err := password.Parse(s); err != nil || h.String() != s {
			t.Errorf("Parse(%s) = %v, %v", s, h, err)
		}
	}
}

// S-03: every mutation of one byte of a stored hash either does not load or
// yields an account that nobody can use.
func TestMutatedHash(t *testing.T) {
	const phrase = "hunter2"
	line := cheap(t, phrase, 3)
	if !mustParse(t, line).Verify([]byte(phrase)) {
		t.Fatal("the hash does not verify as it is")
	}
	try := func(s string) {
		h, err := password.Parse(s)
		if err != nil || s == line {
			return
		}
		for _, guess := range []string{phrase, "", s} {
			if h.Verify([]byte(guess)) {
				t.Errorf("%s verifies %q", s, guess)
			}
		}
	}
	for i := range len(line) + 1 {
		for _, b := range []byte("$,=0123456789ABCabcz+/- \x00\n\xff") {
			try(line[:i] + string(rune(b)) + line[i:])
			if i < len(line) {
				try(line[:i] + string([]byte{b}) + line[i+1:])
			}
		}
		try(line[:i])
		try(line[i:])
		if i < len(line) {
			try(line[:i] + line[i+1:])
		}
	}
}

func TestZeroHash(t *testing.T) {
	var h password.Hash
	for _, guess := range [][]byte{nil, {}, make([]byte, 64)} {
		if h.Verify(guess) {
			t.Errorf("the zero Hash verifies %q", guess)
		}
	}
	if h.String() != "" {
		t.Errorf("the zero Hash prints as %q", h)
	}
}

// PASS-4: what Make makes.
func TestMake(t *testing.T) {
	h, err := password.Make([]byte("hunter2"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(h.String(), "$pbkdf2-sha512$i=210000,l=64$") || len(strings.Split(h.String(), "$")[3]) != 22 {
		t.Errorf("got %s, want 210000 iterations and 16 bytes of salt", h)
	}
	again := mustParse(t, h.String())
	if again != h || !again.Verify([]byte("hunter2")) || again.Verify([]byte("hunter3")) {
		t.Error("what Make makes does not verify")
	}
	other, err := password.Make([]byte("hunter2"))
	if err != nil || other == h {
		t.Errorf("two hashes of one password are equal (%v)", err)
	}
	for _, empty := range [][]byte{nil, {}} {
		if _, err := password.Make(empty); err == nil {
			t.Error("an empty password is hashed")
		}
	}
}

// naive is the grammar read by a regular expression, and the bounds.
var naive = regexp.MustCompile(`\A\$pbkdf2-sha512\$i=([1-9][0-9]*),l=64\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]{86})\z`)

func naiveParse(s string) bool {
	m := naive.FindStringSubmatch(s)
	if m == nil {
		return false
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil || n > password.MaxIterations {
		return false
	}
	canonical := func(s string) (int, bool) {
		b, err := base64.RawStdEncoding.DecodeString(s)
		return len(b), err == nil && base64.RawStdEncoding.EncodeToString(b) == s
	}
	salt, ok := canonical(m[2])
	_, ok2 := canonical(m[3])
	return ok && ok2 && salt >= 8 && salt <= 64
}

// FuzzParse: Parse takes exactly what the naive reader takes, and String gives
// it back (S-03).
func FuzzParse(f *testing.F) {
	f.Add(cheap(f, "x", 1))
	f.Add("$pbkdf2-sha512$i=100000,l=64$HqJwOCHweNk1pLryiu3RsA$KVSvxKYcibIG5S5n55RvxKRTdAAfCUtBJoy5IuFzdSZyzkwvUcU+FPawEWFPn+06JyZsndfRTfpiEh+2eSJLkg")
	f.Add("$pbkdf2-sha512$i=10000001,l=64$HqJwOCHweNk1pLryiu3RsA$")
	f.Add("$2y$10$")
	f.Fuzz(func(t *testing.T, s string) {
		h, err := password.Parse(s)
		if want := naiveParse(s); (err == nil) != want {
			t.Fatalf("Parse(%q): %v, the naive reader takes it: %t", s, err, want)
		}
		if err == nil && h.String() != s {
			t.Errorf("Parse(%q) prints as %q", s, h)
		}
		if err != nil && (h != password.Hash{}) {
			t.Errorf("Parse(%q): a hash beside %v", s, err)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	for _, iterations := range []int{1_000, 100_000, 210_000} {
		b.Run(strconv.Itoa(iterations), func(b *testing.B) {
			h := mustParse(b, cheap(b, "x", iterations))
			guess := []byte("y")
			b.ReportAllocs()
			for b.Loop() {
				h.Verify(guess)
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	s := cheap(b, "x", 1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := password.Parse(s); err != nil {
			b.Fatal(err)
		}
	}
}
