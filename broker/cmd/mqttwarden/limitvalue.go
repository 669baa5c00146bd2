package main

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// parse reads a value into the field. Zero, which a field has for its default,
// is no value.
func (l limit) parse(s string, field reflect.Value) error {
	switch l.kind {
	case limitSwitch:
		if s != "true" && s != "false" {
			return l.wrong()
		}
		field.SetBool(s == "true")
		return nil
	case limitDuration, limitSeconds:
		d, err := time.ParseDuration(s)
		if err != nil || d <= 0 || d > time.Duration(l.most)*time.Second || l.kind == limitSeconds && d%time.Second != 0 {
			return l.wrong()
		}
		field.SetInt(int64(d))
		return nil
	case limitCount, limitSize:
		return l.parseNumber(s, field)
	}
	return l.wrong()
}

func (l limit) parseNumber(s string, field reflect.Value) error {
	n, ok := l.number(s)
	if !ok || n < 1 || n > l.most {
		return l.wrong()
	}
	if field.CanUint() {
		field.SetUint(uint64(n))
		return nil
	}
	field.SetInt(n)
	return nil
}

// number reads a count, or a size with its unit.
func (l limit) number(s string) (n int64, ok bool) {
	unit := int64(1)
	if l.kind == limitSize {
		digits := strings.TrimRight(s, "BKMGi")
		if unit = unitsOfSize()[s[len(digits):]]; unit == 0 {
			return 0, false
		}
		s = digits
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n > l.most/unit {
		return 0, false
	}
	return n * unit, true
}

func unitsOfSize() map[string]int64 {
	return map[string]int64{"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
}

// wrong says what to write instead.
func (l limit) wrong() error { return errors.New("write " + l.values()) }

// values says in words what the limit can be.
func (l limit) values() string {
	switch l.kind {
	case limitSwitch:
		return "true or false"
	case limitDuration:
		return "a duration above 0, such as 1m30s or 500ms"
	case limitSeconds:
		return fmt.Sprintf("a duration in whole seconds up to %ds, such as 90s or 1h", l.most)
	case limitSize:
		return fmt.Sprintf("a size with its unit (B, KiB, MiB, GiB) up to %s, such as 64KiB", sizeText(l.most))
	default:
		return fmt.Sprintf("an integer from 1 to %d", l.most)
	}
}

// text writes a value as the flag has it.
func (l limit) text(field reflect.Value) string {
	switch {
	case l.kind == limitSize:
		return sizeText(field.Int())
	default:
		return fmt.Sprint(field.Interface())
	}
}

// sizeText writes a size in its greatest whole unit.
func sizeText(n int64) string {
	for _, unit := range []string{"GiB", "MiB", "KiB"} {
		if size := unitsOfSize()[unit]; n >= size && n%size == 0 {
			return strconv.FormatInt(n/size, 10) + unit
		}
	}
	return strconv.FormatInt(n, 10) + "B"
}
