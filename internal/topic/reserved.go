package topic

// StateStoreRequest is the topic of state store requests, the only one under
// its root that clients may publish to (STORE-1).
const StateStoreRequest = stateStoreRoot + "/command/invoke"

const (
	stateStoreRoot   = "statestore/v1/FA9AE35F-2F64-47CD-9BFF-08E2B32A0FE8"
	notificationRoot = "clients/" + stateStoreRoot
	serverRoot       = "$SYS"
)

// ReservedForPublish reports whether name belongs to the broker, so that no
// client may publish there, whatever its policy says (AUTHZ-16): "$share",
// "$SYS", the root of state store notifications and the root of the state
// store, each with everything below it, but StateStoreRequest itself. The roots
// themselves are reserved too: a subscription to "$SYS/#" would receive a
// message published to "$SYS". Letter case counts, as everywhere in topics.
func ReservedForPublish(name string) bool {
	if name == "" {
		return false
	}
	switch name[0] {
	case '$':
		return under(name, shareWord) || under(name, serverRoot)
	case 'c':
		return under(name, notificationRoot)
	case 's':
		return under(name, stateStoreRoot) && name != StateStoreRequest
	}
	return false
}
