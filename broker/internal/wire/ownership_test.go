package wire_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// TestDecodeCopies: of all packets only PUBLISH keeps pointing into the frame.
func TestDecodeCopies(t *testing.T) {
	for typ := wire.CONNECT; typ <= wire.AUTH; typ++ {
		if typ == wire.PUBLISH {
			continue
		}
		t.Run(typ.String(), func(t *testing.T) {
			g := generator{rand.New(rand.NewPCG(3, uint64(typ))), v5}
			for range 200 {
				want := g.packet(t, typ)
				f := frame(t, want.Append(nil, v5))
				got := newPacket(typ)
				if err := got.Decode(f, v5); err != nil {
					t.Fatal(err)
				}
				for i := range f.Body {
					f.Body[i] ^= 0xFF
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("changed with the frame (-want +got)\n%s", diff)
				}
			}
		})
	}
}

// TestDecodeForgets: nothing of an earlier packet is left.
func TestDecodeForgets(t *testing.T) {
	for typ := wire.CONNECT; typ <= wire.AUTH; typ++ {
		g := generator{rand.New(rand.NewPCG(4, uint64(typ))), v5}
		reused := newPacket(typ)
		for range 200 {
			f := frame(t, g.packet(t, typ).Append(nil, v5))
			fresh := newPacket(typ)
			if err1, err2 := reused.Decode(f, v5), fresh.Decode(f, v5); err1 != nil || err2 != nil {
				t.Fatal(err1, err2)
			}
			if diff := cmp.Diff(fresh, reused); diff != "" {
				t.Fatalf("%v (-fresh +reused)\n%s", typ, diff)
			}
		}
	}
}

// TestNoSecretsPrinted: S-18.
func TestNoSecretsPrinted(t *testing.T) {
	secret := []byte("hunter2")
	for _, p := range []any{
		wire.Connect{Version: v5, Password: secret, AuthMethod: "m", AuthData: secret},
		&wire.Connect{Version: v5, Password: secret, AuthMethod: "m", AuthData: secret},
		wire.Connack{AuthData: secret},
		&wire.Connack{AuthData: secret},
		wire.Auth{AuthData: secret},
		&wire.Auth{AuthData: secret},
	} {
		checkNoSecret(t, p, string(secret))
	}
}

func TestNames(t *testing.T) {
	for typ, want := range map[wire.Type]string{wire.CONNECT: "CONNECT", wire.PUBCOMP: "PUBCOMP", wire.AUTH: "AUTH", 0: "packet type 0", 16: "packet type 16"} {
		if got := fmt.Sprint(typ); got != want {
			t.Errorf("type %d is %q, want %q", byte(typ), got, want)
		}
	}
	if got := wire.Some(5).Or(7) + (wire.Opt[int]{}).Or(7); got != 12 {
		t.Errorf("Or: %d", got)
	}
	if wire.PacketTooLarge != mqttauth.ReasonCode(0x95) || wire.PacketTooLarge.String() != "packet too large (0x95)" {
		t.Errorf("PacketTooLarge is %v", wire.PacketTooLarge)
	}
}
