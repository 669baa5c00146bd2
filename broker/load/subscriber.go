package main

import (
	"encoding/binary"
	"fmt"
	"time"
)

// subscriber counts what comes, and acknowledges it.
type subscriber struct {
	*client
	gate  *gate
	index int // among those of the gate
	qos   byte

	delays []time.Duration // of single messages, if they are to be noted
	note   bool
}

// receive takes messages until the connection ends.
func (s *subscriber) receive() error {
	var answers []byte
	for {
		m, err := s.next()
		if err != nil {
			return err
		}
		count := 0
		for ok := true; ok; m, ok, err = s.take() {
			switch {
			case m.kind == typePublish && m.qos == s.qos:
				count++
				if s.note {
					s.noteDelay(m)
				}
				if s.qos > 0 {
					if answers, err = appendAnswer(answers, m); err != nil {
						return err
					}
				}
			case m.kind == typePubrel && s.qos == 2:
				if answers, err = appendAnswer(answers, m); err != nil {
					return err
				}
			default:
				return fmt.Errorf("subscriber: unexpected packet of type %d, QoS %d", m.kind, m.qos)
			}
		}
		if err != nil {
			return err
		}
		if len(answers) > 0 {
			if _, err := s.Write(answers); err != nil {
				return err
			}
			answers = answers[:0]
		}
		s.gate.report(s.index, count)
	}
}

// appendAnswer appends what the receiver of a packet says to it.
func appendAnswer(dst []byte, p packet) ([]byte, error) {
	id, err := p.id()
	if err != nil {
		return dst, err
	}
	switch {
	case p.kind == typePubrel:
		return appendAck(dst, typePubcomp, id), nil
	case p.qos == 2:
		return appendAck(dst, typePubrec, id), nil
	default:
		return appendAck(dst, typePuback, id), nil
	}
}

func (s *subscriber) noteDelay(m packet) {
	stamp := binary.BigEndian.Uint64(m.body[len(m.body)-payloadSize:])
	s.delays = append(s.delays, time.Since(epoch)-time.Duration(stamp))
}
