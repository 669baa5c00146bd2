package wire

import "github.com/mqttwarden/mqttwarden/mqttauth"

// Pingreq is a PINGREQ packet (section 3.12).
type Pingreq struct{}

// Pingresp is a PINGRESP packet (section 3.13).
type Pingresp struct{}

// Decode accepts an empty PINGREQ packet.
func (p *Pingreq) Decode(f Frame, v mqttauth.Version) error {
	var d decoder
	d.open(f, PINGREQ, v)
	return d.finish()
}

// Append appends the packet, two bytes.
func (p *Pingreq) Append(dst []byte, v mqttauth.Version) []byte {
	e := begin(dst, PINGREQ, v)
	return e.end()
}

// Decode accepts an empty PINGRESP packet.
func (p *Pingresp) Decode(f Frame, v mqttauth.Version) error {
	var d decoder
	d.open(f, PINGRESP, v)
	return d.finish()
}

// Append appends the packet, two bytes.
func (p *Pingresp) Append(dst []byte, v mqttauth.Version) []byte {
	e := begin(dst, PINGRESP, v)
	return e.end()
}
