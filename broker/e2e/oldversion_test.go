package e2e_test

import (
	"strconv"
	"strings"
	"testing"
)

// MQTT 3.1 is refused in its own words: a client that speaks it says why it
// cannot connect.
func TestMQTT31Refused(t *testing.T) {
	t.Parallel()
	port := strconv.Itoa(openPorts(t)["tcp"])
	said, status := mosquitto(t, "mosquitto_pub", "-h", "127.0.0.1", "-p", port, "-V", "mqttv31", "-d", "-q", "1", "-t", "t", "-m", "x")
	if status == 0 || !strings.Contains(said, "unacceptable protocol version") {
		t.Errorf("exit status %d:\n%s", status, said)
	}
}
