package password

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Bounds of a Hash (PASS-3). A file with an absurd count, by a typo or by
// malice, fails to load; it does not stall the broker.
const (
	// DefaultIterations is what Make uses (PASS-4), about a tenth of a second
	// of one core.
	DefaultIterations = 210_000

	// MaxIterations is the most that Parse takes: a few seconds, less than the
	// deadline of a CONNECT.
	MaxIterations = 10_000_000

	minSalt, madeSalt, maxSalt = 8, 16, 64 // bytes; 16 is what RFC 8018 and the documents use
	sumSize                    = sha512.Size
)

// Hash is a stored password: a salted PBKDF2-HMAC-SHA-512 digest. It is
// comparable. The zero Hash is that of no password at all.
type Hash struct {
	iterations int
	salt       string // decoded
	sum        [sumSize]byte
}

// strict refuses padding and stray bits; the caller refuses line ends, which
// every decoder of package base64 skips.
var strict = base64.RawStdEncoding.Strict()

// Parse reads a hash in the form "$pbkdf2-sha512$i=210000,l=64$<salt>$<hash>":
// salt (8 to 64 bytes) and hash (64 bytes) in unpadded standard base64. What it
// accepts is exactly what String prints. The error names the field and never
// quotes the text, which may be a password in the wrong place.
func Parse(s string) (Hash, error) {
	parts := strings.Split(s, "$")
	if len(parts) != 5 || parts[0] != "" {
		return Hash{}, errors.New("password: hash: want five fields like $pbkdf2-sha512$i=210000,l=64$<salt>$<hash>")
	}
	if parts[1] != "pbkdf2-sha512" {
		return Hash{}, errors.New("password: hash: the algorithm must be pbkdf2-sha512")
	}
	count, length, ok := strings.Cut(parts[2], ",")
	if !ok || length != "l=64" || !strings.HasPrefix(count, "i=") {
		return Hash{}, errors.New("password: hash: the parameters must look like i=210000,l=64")
	}
	iterations, err := parseIterations(count[len("i="):])
	if err != nil {
		return Hash{}, err
	}
	salt, err := decode(parts[3])
	if err != nil || len(salt) < minSalt || len(salt) > maxSalt {
		return Hash{}, fmt.Errorf("password: hash: the salt must be %d to %d bytes in standard base64 without padding", minSalt, maxSalt)
	}
	sum, err := decode(parts[4])
	if err != nil || len(sum) != sumSize {
		return Hash{}, fmt.Errorf("password: hash: the hash must be %d bytes in standard base64 without padding", sumSize)
	}
	return Hash{iterations: iterations, salt: string(salt), sum: [sumSize]byte(sum)}, nil
}

func parseIterations(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n < 1 || n > MaxIterations || strconv.FormatUint(n, 10) != s {
		return 0, fmt.Errorf("password: hash: i must be a plain number from 1 to %d", MaxIterations)
	}
	return int(n), nil
}

func decode(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, errors.New("line end")
	}
	return strict.DecodeString(s)
}

// Make returns the hash of a new password, with a random salt. An empty
// password is refused.
func Make(password []byte) (Hash, error) {
	if len(password) == 0 {
		return Hash{}, errors.New("password: the password must not be empty")
	}
	salt := make([]byte, madeSalt)
	_, _ = rand.Read(salt) // never fails, as it says
	h := Hash{iterations: DefaultIterations, salt: string(salt)}
	sum, err := h.derive(password)
	if err != nil {
		return Hash{}, fmt.Errorf("password: %w", err)
	}
	h.sum = [sumSize]byte(sum)
	return h, nil
}

// Verify reports whether password is the one that h was made of. It costs the
// hash's iterations and cannot be interrupted; the comparison takes the same
// time wherever the digests differ. The zero Hash verifies nothing. It is safe
// for concurrent use.
func (h Hash) Verify(password []byte) bool {
	if h.iterations == 0 {
		return false
	}
	sum, err := h.derive(password)
	return err == nil && subtle.ConstantTimeCompare(sum, h.sum[:]) == 1
}

func (h Hash) derive(password []byte) ([]byte, error) {
	return pbkdf2.Key(sha512.New, string(password), []byte(h.salt), h.iterations, sumSize)
}

// String returns the hash as Parse reads it, "" for the zero Hash. It is no
// secret to print lightly: who has it can guess passwords in private.
func (h Hash) String() string {
	if h.iterations == 0 {
		return ""
	}
	return "$pbkdf2-sha512$i=" + strconv.Itoa(h.iterations) + ",l=64$" +
		strict.EncodeToString([]byte(h.salt)) + "$" + strict.EncodeToString(h.sum[:])
}
