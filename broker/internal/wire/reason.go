package wire

import "github.com/mqttwarden/mqttwarden/mqttauth"

// The reason codes of MQTT 5.0 section 2.4 that mqttauth, which declares those
// of authentication, does not.
const (
	GrantedQoS1                       mqttauth.ReasonCode = 0x01
	GrantedQoS2                       mqttauth.ReasonCode = 0x02
	DisconnectWithWill                mqttauth.ReasonCode = 0x04
	NoMatchingSubscribers             mqttauth.ReasonCode = 0x10
	NoSubscriptionExisted             mqttauth.ReasonCode = 0x11
	UnspecifiedError                  mqttauth.ReasonCode = 0x80
	MalformedPacket                   mqttauth.ReasonCode = 0x81
	ImplementationSpecificError       mqttauth.ReasonCode = 0x83
	UnsupportedProtocolVersion        mqttauth.ReasonCode = 0x84
	ClientIDNotValid                  mqttauth.ReasonCode = 0x85
	ServerBusy                        mqttauth.ReasonCode = 0x89
	Banned                            mqttauth.ReasonCode = 0x8A
	ServerShuttingDown                mqttauth.ReasonCode = 0x8B
	KeepAliveTimeout                  mqttauth.ReasonCode = 0x8D
	SessionTakenOver                  mqttauth.ReasonCode = 0x8E
	TopicFilterInvalid                mqttauth.ReasonCode = 0x8F
	TopicNameInvalid                  mqttauth.ReasonCode = 0x90
	PacketIDInUse                     mqttauth.ReasonCode = 0x91
	PacketIDNotFound                  mqttauth.ReasonCode = 0x92
	ReceiveMaximumExceeded            mqttauth.ReasonCode = 0x93
	TopicAliasInvalid                 mqttauth.ReasonCode = 0x94
	PacketTooLarge                    mqttauth.ReasonCode = 0x95
	QuotaExceeded                     mqttauth.ReasonCode = 0x97
	AdministrativeAction              mqttauth.ReasonCode = 0x98
	PayloadFormatInvalid              mqttauth.ReasonCode = 0x99
	RetainNotSupported                mqttauth.ReasonCode = 0x9A
	QoSNotSupported                   mqttauth.ReasonCode = 0x9B
	UseAnotherServer                  mqttauth.ReasonCode = 0x9C
	ServerMoved                       mqttauth.ReasonCode = 0x9D
	SharedSubscriptionsNotSupported   mqttauth.ReasonCode = 0x9E
	ConnectionRateExceeded            mqttauth.ReasonCode = 0x9F
	SubscriptionIDsNotSupported       mqttauth.ReasonCode = 0xA1
	WildcardSubscriptionsNotSupported mqttauth.ReasonCode = 0xA2
)
