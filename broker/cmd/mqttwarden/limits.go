package main

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/mqttwarden/mqttwarden/broker"
	"github.com/mqttwarden/mqttwarden/internal/nearest"
)

// limitFlag holds the limits of the server that the command line sets. It is a
// pflag.Value for one flag that is given once for each limit.
type limitFlag struct {
	values broker.Limits
	given  []limit
}

func (f *limitFlag) add(cmd *cobra.Command) {
	cmd.Flags().Var(f, "limit", "`NAME=VALUE` of a limit of the server, such as packet-size=1MiB; counts over the documents; may be repeated")
	var proposals []string
	for _, l := range limits() {
		proposals = append(proposals, l.name+"=")
	}
	err := cmd.RegisterFlagCompletionFunc("limit", cobra.FixedCompletions(proposals, cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveNoSpace))
	if err != nil {
		panic(err) // no such flag, or twice: cannot happen
	}
}

// Type says what the flag holds, for help texts.
func (f *limitFlag) Type() string { return "NAME=VALUE" }

// String returns the names of what was set.
func (f *limitFlag) String() string {
	names := make([]string, len(f.given))
	for i, l := range f.given {
		names[i] = l.name
	}
	return strings.Join(names, ",")
}

// Set reads one limit.
func (f *limitFlag) Set(s string) error {
	name, value, ok := strings.Cut(s, "=")
	if !ok {
		return errors.New("write a name and a value, such as packet-size=1MiB")
	}
	l, err := limitNamed(name)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(f.given, func(g limit) bool { return g.name == name }) {
		return fmt.Errorf("%s is there twice; remove one of them", name)
	}
	if err := l.parse(value, l.in(&f.values)); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	f.given = append(f.given, l)
	return nil
}

// over returns the limits of the documents with those of the flag in their
// place: whoever starts the program knows the machine that it runs on.
func (f *limitFlag) over(documents broker.Limits, log *slog.Logger) broker.Limits {
	for _, l := range f.given {
		theirs, ours := l.in(&documents), l.in(&f.values)
		if !theirs.IsZero() && !theirs.Equal(ours) {
			log.Warn("--limit counts, and not the document of kind Broker", "limit", l.name, "flag", l.text(ours), "document", l.text(theirs))
		}
		theirs.Set(ours)
	}
	return documents
}

// limit is one field of broker.Limits.
type limit struct {
	name  string
	index []int
	kind  limitKind
	most  int64 // a count, bytes or seconds
}

type limitKind int

const (
	limitCount limitKind = iota
	limitSize
	limitDuration
	limitSeconds // a duration in whole seconds
	limitSwitch
)

// limits returns all limits, in the order of the fields.
func limits() []limit { return limitsOf(reflect.TypeFor[broker.Limits](), nil, "") }

func limitsOf(t reflect.Type, index []int, prefix string) []limit {
	var all []limit
	for i := range t.NumField() {
		f := t.Field(i)
		at := append(slices.Clone(index), i)
		if f.Type.Kind() == reflect.Struct {
			all = append(all, limitsOf(f.Type, at, "Watch")...) // of the state store's watches
			continue
		}
		name := f.Name
		if !strings.HasPrefix(name, prefix) {
			name = prefix + name
		}
		kind := kindOf(f)
		all = append(all, limit{name: kebab(name), index: at, kind: kind, most: mostOf(f, kind)})
	}
	return all
}

// kindOf returns how a field is written.
func kindOf(f reflect.StructField) limitKind {
	switch {
	case f.Type.Kind() == reflect.Bool:
		return limitSwitch
	case f.Name == "KeepAlive", f.Name == "SessionExpiry", f.Name == "MessageExpiry":
		return limitSeconds
	case f.Type == reflect.TypeFor[time.Duration]():
		return limitDuration
	case strings.Contains(f.Name, "Bytes"), strings.HasSuffix(f.Name, "Size"), strings.HasSuffix(f.Name, "Length"):
		return limitSize
	default:
		return limitCount
	}
}

// mostOf returns the most that a field may be: what MQTT or the server can have,
// or else what nobody means.
func mostOf(f reflect.StructField, kind limitKind) int64 {
	switch {
	case f.Type.Kind() == reflect.Uint16, f.Name == "KeepAlive", f.Name == "TopicLevels", f.Name == "TopicLength":
		return math.MaxUint16
	case f.Name == "PacketSize", f.Name == "ConnectPacketSize":
		return 256 << 20
	case f.Name == "Inflight":
		return 1 << 15
	case kind == limitSize:
		return min(1<<40, math.MaxInt)
	case kind == limitCount:
		return math.MaxInt32
	default:
		return math.MaxUint32
	}
}

// kebab writes ConnectRate as connect-rate.
func kebab(name string) string {
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

func limitNamed(name string) (limit, error) {
	all := limits()
	names := make([]string, len(all))
	for i, l := range all {
		if l.name == name {
			return l, nil
		}
		names[i] = l.name
	}
	if near := nearest.Word(name, names); near != "" {
		return limit{}, fmt.Errorf("there is no limit %q; did you mean %s?", name, near)
	}
	return limit{}, fmt.Errorf("there is no limit %q; there are %s", name, strings.Join(names, ", "))
}

// in returns the field.
func (l limit) in(limits *broker.Limits) reflect.Value {
	return reflect.ValueOf(limits).Elem().FieldByIndex(l.index)
}
