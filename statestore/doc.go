// Package statestore serves the state store protocol of Azure IoT Operations over
// MQTT 5 (STORE-1): clients publish commands in RESP3 to one topic, get a reply on
// their response topic, and are notified of keys that they watch.
//
//	PUBLISH to RequestTopic ─▶ Request ─▶ Service.Handle ─▶ Reply, []Notification
//	Service.NextExpiry ─▶ timer ─▶ Service.Expire ─▶ []Notification
//	connection lost ─▶ Service.Disconnect
//	rights changed ─▶ Service.Reauthorize
//
// [Service] is the whole protocol without I/O and without a clock, so that any
// broker can serve it from its publish hook:
//
//	service, err := statestore.New[*session](statestore.Config{})
//	...
//	ns, err := service.Handle(&request, time.Now(), &reply, nil)
//
// The broker lets in only who may publish to [RequestTopic], delivers a reply at
// QoS 1 to the session that sent the request and to no other (STORE-6), and each
// notification to the session that it names, subscribed or not (STORE-7). Two
// errors mean that there is no reply: [ErrResponseTopic], upon which the client is
// disconnected, and [ErrNotRequest].
//
// [Store] is where entries are; [Memory] keeps them in memory, and a durable one
// takes its place without a change of the protocol. [ParseCommand], [Command.Append],
// the Append functions, [Timestamp] and [Clock] are the wire format by itself, for
// clients and for other servers.
//
// # Commands
//
//	SET key value [NX | NEX] [PX ms]   +OK, or :-1 if the condition does not hold
//	GET key                            the value, or $-1
//	DEL key                            :1, or :0 if there is no such key
//	VDEL key value                     as DEL, or :-1 if it has another value
//	KEYNOTIFY key [STOP]               +OK, or :0 for a STOP of what was not watched
//
// # Choices
//
// Where no public source says what happens, this package does the following.
//
// Commands: verbs and options are upper case; others are unknown or a syntax error.
// Options in another order, PX without a number, and PX 0 are syntax errors; so are
// numbers of RESP3 with a sign or a leading zero, null strings, and bytes behind
// the command. Too many elements are a wrong number of arguments, whatever they
// are. The first fault counts, in the order: RESP3, verb, number of arguments,
// options, key, rights, timestamps, fencing token, condition, quota.
//
// Entries: SET without PX removes an earlier life time, and SET replaces what
// aio-persistence said. A successful NEX on the same value is a SET: new version,
// new life time, notification. Deletion and expiry discard the fencing token. A SET
// or DEL that is not applied stores no token. An entry is gone at the millisecond of
// its end. One that is due but not yet collected still counts for the quota. A SET
// that makes an entry smaller is never over the quota.
//
// Timestamps: both are checked on each command, and __ft is compared by SET, DEL and
// VDEL only. A version is made for what changes an entry, expiry included; reading
// does not move the clock. The last timestamp within a minute ahead is too far ahead
// too, since no version within the minute could follow. Numbers may have any number
// of digits up to 63 bits.
//
// Replies: __ts is the new version for SET, DEL and VDEL that were applied, the
// stored one for GET and for SET and VDEL that were not, and absent in all other
// replies. __protVer is always there. A request whose __protVer has a major number
// other than 1 gets __stat 505 with __supProtMajVer and __requestProtVer, and no
// payload; one that the store failed gets __stat 500. Requests that cannot be
// answered are ErrNotRequest; a broker may acknowledge them with 0x83.
//
// Notifications: KEYNOTIFY again answers +OK and registers nothing more. STOP of a
// registration answers +OK. Whoever changes a key that it watches itself is notified
// too. The order among several watchers is not defined; the order of notifications
// of one watcher is that of the versions. A key whose notification topic is longer
// than MQTT allows, and a registration over the limits, are over the quota.
//
// # Security
//
// A malformed request changes nothing, and lengths are compared with the bytes that
// are there before they are used. Rights are asked before the timestamps and the
// entry, so that who has none learns nothing of a key. NX, NEX, VDEL and the fencing
// errors do tell a client that may only write whether a key exists and whether a
// guess of its value is right; the protocol is so.
//
// Bytes are bounded in total by the store's quota, and per request by the packet
// size of the broker. The protocol has no owner of an entry, so a client that may
// write can fill the store. Registrations and their bytes are bounded per session
// and in total ([Limits], STORE-8).
//
// # What is not here
//
// Topics that clients may not publish to (AUTHZ-16), and delivery. SCAN and MGET,
// which no released broker has.
package statestore
