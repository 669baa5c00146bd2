package mqttauth

import "strconv"

// Version is the Protocol Version byte of the CONNECT packet. The zero value
// is no version at all: nothing is accepted under it.
type Version byte

// The versions that there are.
const (
	MQTT311 Version = 4 // MQTT 3.1.1
	MQTT5   Version = 5 // MQTT 5.0
)

// String returns the version as people write it, "3.1.1" or "5.0".
func (v Version) String() string {
	switch v {
	case MQTT311:
		return "3.1.1"
	case MQTT5:
		return "5.0"
	default:
		return "Version(" + strconv.Itoa(int(v)) + ")"
	}
}
