package statestore

import "strings"

const serviceID = "FA9AE35F-2F64-47CD-9BFF-08E2B32A0FE8"

// RequestTopic is where clients publish requests (STORE-1).
const RequestTopic = "statestore/v1/" + serviceID + "/command/invoke"

const notifyRoot = "clients/statestore/v1/" + serviceID

// ContentType is the content type of replies.
const ContentType = "application/octet-stream"

// maxTopic is the longest topic that MQTT can carry, in bytes.
const maxTopic = 65535

// NotificationTopic returns the topic of the notifications that a client gets
// about a key. Both appear in it in upper-case hexadecimal. Above about 32,600
// bytes of client ID and key it is longer than MQTT allows; a [Service] refuses
// to watch such a key.
func NotificationTopic(clientID string, key []byte) string {
	var b strings.Builder
	b.Grow(notificationTopicLen(clientID, key))
	b.WriteString(notifyRoot)
	b.WriteByte('/')
	writeHex(&b, clientID)
	b.WriteString("/command/notify/")
	writeHex(&b, key)
	return b.String()
}

// IsOwnNotificationFilter reports whether a subscription filter is one of those
// by which a client asks for its own notifications (STORE-7): its client ID in
// upper-case hexadecimal and one key or "+" behind it, or its raw client ID and
// nothing. Delivery does not depend on it. A client ID with a wildcard has no raw
// form.
func IsOwnNotificationFilter(filter, clientID string) bool {
	rest, ok := strings.CutPrefix(filter, notifyRoot+"/")
	if !ok || clientID == "" {
		return false
	}
	if rest == clientID+"/command/notify" && !strings.ContainsAny(clientID, "+#") {
		return true
	}
	var b strings.Builder
	writeHex(&b, clientID)
	last, ok := strings.CutPrefix(rest, b.String()+"/command/notify/")
	return ok && (last == "+" || last != "" && strings.Trim(last, upperHex) == "")
}

// ForbiddenResponseTopic reports whether a request with this response topic
// disconnects its client: it is the request topic, or begins like the topics of
// notifications.
func ForbiddenResponseTopic(topic string) bool {
	return topic == RequestTopic || strings.HasPrefix(topic, notifyRoot)
}

const upperHex = "0123456789ABCDEF"

func writeHex[T string | []byte](b *strings.Builder, s T) {
	for i := range len(s) {
		b.WriteByte(upperHex[s[i]>>4])
		b.WriteByte(upperHex[s[i]&15])
	}
}

// notificationTopicLen is the length of NotificationTopic without making it.
func notificationTopicLen(clientID string, key []byte) int {
	return len(notifyRoot) + len("//command/notify/") + 2*(len(clientID)+len(key))
}
