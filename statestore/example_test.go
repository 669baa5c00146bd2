package statestore_test

import (
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/mqttwarden/mqttwarden/statestore"
)

// session is what a broker has for a connected client.
type session struct{ clientID string }

func Example() {
	service, err := statestore.New[*session](statestore.Config{})
	if err != nil {
		log.Fatal(err)
	}
	now := time.UnixMilli(1_700_000_000_000)
	fan := &session{clientID: "fan"}
	for _, command := range []statestore.Command{
		{Verb: statestore.KeyNotify, Key: []byte("speed")},
		{Verb: statestore.Set, Key: []byte("speed"), Value: []byte("7")},
	} {
		request := statestore.Request[*session]{
			Session:            fan,
			ClientID:           fan.clientID,
			QoS:                1,
			ResponseTopic:      "clients/fan/response",
			HasCorrelationData: true,
			Properties:         []statestore.UserProperty{{Name: "__ts", Value: "1700000000000:0:fan"}},
			Payload:            command.Append(nil),
			Keys:               allKeys{}, // or the *mqttauthz.Grants of the client
		}
		var reply statestore.Reply
		notifications, err := service.Handle(&request, now, &reply, nil)
		if err != nil {
			log.Fatal(err) // no reply; ErrResponseTopic disconnects the client
		}
		fmt.Printf("reply %q %v\n", reply.Payload, reply.Properties)
		for _, n := range notifications {
			fmt.Printf("%s is told %q\n", n.Session.clientID, n.Payload)
		}
	}
	// Output:
	// reply "+OK\r\n" [{__stat 200} {__protVer 1.0}]
	// reply "+OK\r\n" [{__stat 200} {__protVer 1.0} {__ts 001700000000000:00001:StateStore}]
	// fan is told "*4\r\n$6\r\nNOTIFY\r\n$3\r\nSET\r\n$5\r\nVALUE\r\n$1\r\n7\r\n"
}

func ExampleParseCommand() {
	command, err := statestore.ParseCommand([]byte("*2\r\n$3\r\nGET\r\n$5\r\nspeed\r\n"))
	fmt.Println(command.Verb == statestore.Get, string(command.Key), err)

	_, err = statestore.ParseCommand([]byte("*2\r\n$3\r\nGET\r\n$9\r\nspeed\r\n"))
	fmt.Println(err)
	fmt.Printf("%q\n", statestore.AppendError(nil, statestore.ErrSyntax))
	fmt.Println(errors.Is(err, statestore.ErrSyntax))
	// Output:
	// true speed <nil>
	// statestore: syntax error at byte 13: the string is longer than the payload
	// "-ERR syntax error\r\n"
	// true
}

func ExampleNotificationTopic() {
	fmt.Println(statestore.NotificationTopic("client-id1", []byte("SOMEKEY")))
	// Output: clients/statestore/v1/FA9AE35F-2F64-47CD-9BFF-08E2B32A0FE8/636C69656E742D696431/command/notify/534F4D454B4559
}
