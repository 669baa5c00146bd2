package audit_test

import (
	"fmt"
	"os"
	"time"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/broker/audit"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

func Example() {
	log := audit.New(os.Stdout)
	server := broker.NewServer(broker.Options{Observer: log})
	_ = server // and so on: it tells the log what it decides, such as

	log.Observe(broker.Event{
		Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Action: broker.ActionPublish, Port: "mqtts",
		ClientID: "fan-1", Username: "fan", Object: "telemetry/heater", Reason: mqttauth.NotAuthorized,
	})
	if err := log.Close(); err != nil {
		fmt.Println(err)
	}
	// Output: {"time":"2026-01-02T03:04:05Z","action":"publish","allowed":false,"port":"mqtts","client_id":"fan-1","username":"fan","object":"telemetry/heater","reason":"not authorized (0x87)"}
}
