package routing

// Options are what a SUBSCRIBE says about one filter (MQTT 5.0 section
// 3.8.3.1). The zero value is a subscription at QoS 0.
type Options struct {
	QoS               byte   // granted maximum, 0 to 2
	NoLocal           bool   // do not send the subscriber's own messages
	RetainAsPublished bool   // keep the RETAIN flag of the publisher
	RetainHandling    byte   // 0 to 2, of no use to the table itself
	ID                uint32 // subscription identifier, 1 to 268,435,455; 0 means none
}

// Options are kept in one word, so that a reader without a lock sees them
// whole while they are replaced.
const (
	bitsQoS            = 3
	bitNoLocal         = 1 << 2
	bitRetain          = 1 << 3
	shiftRetainHandle  = 4
	bitsRetainHandling = 3
	bitLive            = 1 << 6 // not removed
	shiftID            = 8
)

func (o Options) pack() uint64 {
	b := uint64(o.QoS&bitsQoS) | uint64(o.RetainHandling&bitsRetainHandling)<<shiftRetainHandle | uint64(o.ID)<<shiftID
	if o.NoLocal {
		b |= bitNoLocal
	}
	if o.RetainAsPublished {
		b |= bitRetain
	}
	return b
}

func unpack(b uint64) Options {
	return Options{
		QoS:               byte(b & bitsQoS),
		NoLocal:           b&bitNoLocal != 0,
		RetainAsPublished: b&bitRetain != 0,
		RetainHandling:    byte(b >> shiftRetainHandle & bitsRetainHandling),
		ID:                uint32(b >> shiftID),
	}
}
