package sat

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"

	"github.com/golang-jwt/jwt/v5"

	"github.com/mqttwarden/mqttwarden/internal/strictjson"
)

const (
	maxKeySet  = 1 << 20 // in bytes
	maxKeys    = 64      // of a set; a cluster has two while it changes them
	minRSABits = 2048
	maxRSABits = 8192 // verifying costs the square of it
)

// key verifies signatures of exactly one algorithm (S-46). The algorithms are
// the variables of package jwt, not entries of its registry, to which any
// package of the program can add.
type key struct {
	method jwt.SigningMethod
	public any
}

// parseKeySet reads a JSON Web Key Set (RFC 7517): its RSA, EC and Ed25519 keys
// for signatures, by key ID. Keys of other kinds and for other uses, and those
// without a key ID, are left out; a key that ought to work and does not is an
// error, as are two of one ID, a private key, and a set without usable keys.
func parseKeySet(body []byte) (map[string]key, error) {
	var err error
	set := parseObject(body, maxKeySet, &err)
	list, _ := set.members.Get("keys")
	if err != nil {
		return nil, fmt.Errorf("key set: %w", err)
	}
	elements, err := list.Array()
	if err != nil || len(elements) > maxKeys {
		return nil, fmt.Errorf("key set: want keys, a list of at most %d", maxKeys)
	}
	keys := make(map[string]key)
	for i, e := range elements {
		id, k, err := parseKey(e)
		if _, twice := keys[id]; err == nil && twice {
			err = errors.New("another key has the same kid")
		}
		if err != nil {
			return nil, fmt.Errorf("key set: keys[%d]: %w", i, err)
		}
		if k.method != nil {
			keys[id] = k
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("key set: no key that verifies signatures")
	}
	return keys, nil
}

// parseKey reads one key. Without a method it is none that we use.
func parseKey(v strictjson.Value) (id string, k key, err error) {
	f := fields{err: &err}
	f.members, err = v.Object()
	id = f.text("kid")
	use := f.text("use")
	_, hasOperations := f.get("key_ops")
	operations := f.texts("key_ops")
	if err != nil || id == "" || use != "" && use != "sig" || hasOperations && !intersect(operations, []string{"verify"}) {
		return id, key{}, err
	}
	switch f.text("kty") {
	case "RSA":
		k = f.rsa()
	case "EC":
		k = f.ec()
	case "OKP":
		k = f.okp()
	default:
		return id, key{}, err
	}
	if alg := f.text("alg"); k.method != nil && alg != "" && alg != k.method.Alg() {
		f.note(errors.New("alg does not go with the key"))
	}
	if _, private := f.get("d"); private {
		err = errors.New("this is a private key, which must not be here")
	}
	if err != nil {
		return id, key{}, err
	}
	return id, k, nil
}

// bytes reads a base64url member.
func (f fields) bytes(name string) []byte {
	b, _, err := decodeSegment(nil, []byte(f.text(name)))
	if err != nil {
		f.note(fmt.Errorf("%s is %w", name, err))
	}
	return b
}

// rsa reads a key of RFC 7518 section 6.3. Without alg it is for RS256.
func (f fields) rsa() key {
	method := jwt.SigningMethodRS256
	switch f.text("alg") {
	case "RS384":
		method = jwt.SigningMethodRS384
	case "RS512":
		method = jwt.SigningMethodRS512
	}
	n, e := new(big.Int).SetBytes(f.bytes("n")), new(big.Int).SetBytes(f.bytes("e"))
	if bits := n.BitLen(); bits < minRSABits || bits > maxRSABits || n.Bit(0) == 0 {
		f.note(fmt.Errorf("n is not an odd number of %d to %d bits", minRSABits, maxRSABits))
	}
	if e.BitLen() < 2 || e.BitLen() > 31 || e.Bit(0) == 0 {
		f.note(errors.New("e is not an odd number from 3 to 2147483647"))
		return key{}
	}
	return key{method, &rsa.PublicKey{N: n, E: int(e.Int64())}}
}

// ec reads a key of RFC 7518 section 6.2. Its curve says the algorithm.
func (f fields) ec() key {
	var method *jwt.SigningMethodECDSA
	var curve elliptic.Curve
	switch f.text("crv") {
	case "P-256":
		method, curve = jwt.SigningMethodES256, elliptic.P256()
	case "P-384":
		method, curve = jwt.SigningMethodES384, elliptic.P384()
	case "P-521":
		method, curve = jwt.SigningMethodES512, elliptic.P521()
	default:
		return key{}
	}
	x, y := f.bytes("x"), f.bytes("y")
	size := (curve.Params().BitSize + 7) / 8
	if len(x) != size || len(y) != size {
		f.note(fmt.Errorf("x and y are not of %d bytes each", size))
		return key{}
	}
	point := append(append([]byte{4}, x...), y...) // SEC 1, uncompressed
	public, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	if err != nil {
		f.note(errors.New("x and y are not a point of the curve"))
	}
	return key{method, public}
}

// okp reads a key of RFC 8037.
func (f fields) okp() key {
	if f.text("crv") != "Ed25519" {
		return key{}
	}
	x := f.bytes("x")
	if len(x) != ed25519.PublicKeySize {
		f.note(fmt.Errorf("x is not of %d bytes", ed25519.PublicKeySize))
	}
	return key{jwt.SigningMethodEdDSA, ed25519.PublicKey(x)}
}
