package wire_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mqttwarden/mqttwarden/broker/internal/wire"
	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// vector is one case of testdata; testdata/README.txt says how it is written.
type vector struct {
	name    string
	version mqttauth.Version
	bytes   string
	written string // what Append makes of it; empty: bytes
	fields  []string
}

// TestGolden reads each packet of testdata, compares all its fields, and writes
// it again.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*.txt")
	if err != nil || len(files) != 15 {
		t.Fatalf("%d files (%v), want one for each of the 15 packet types", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		for _, v := range vectors(t, file) {
			t.Run(name+"/"+v.name, func(t *testing.T) {
				b := unhex(t, v.bytes)
				f := frame(t, b)
				if got := strings.ToLower(f.Type.String()); got != name {
					t.Fatalf("a %s packet in %s", got, file)
				}
				p := newPacket(f.Type)
				if err := p.Decode(f, v.version); err != nil {
					t.Fatalf("Decode: %v", err)
				}
				if diff := cmp.Diff(v.fields, fieldsOf(p)); diff != "" {
					t.Errorf("fields (-want +got):\n%s", diff)
				}
				want := b
				if v.written != "" {
					want = unhex(t, v.written)
				}
				if got := p.Append(nil, v.version); string(got) != string(want) {
					t.Errorf("Append:\n got % X\nwant % X", got, want)
				}
			})
		}
	}
}

func vectors(t *testing.T, file string) []vector {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var list []vector
	part := ""
	for s := bufio.NewScanner(f); s.Scan(); {
		line, _, _ := strings.Cut(" "+s.Text()+" ", " # ")
		line = strings.TrimSpace(line)
		head, rest, _ := strings.Cut(line, " ")
		switch {
		case line == "":
		case head == "packet":
			version, name, _ := strings.Cut(rest, " ")
			v := map[string]mqttauth.Version{"3.1.1": v311, "5.0": v5}[version]
			list = append(list, vector{name: version + " " + name, version: v, fields: []string{}})
			part = ""
		case head == "bytes" || head == "fields" || head == "written":
			part = head
		case part == "bytes":
			list[len(list)-1].bytes += line + " "
		case part == "written":
			list[len(list)-1].written += line + " "
		case part == "fields":
			list[len(list)-1].fields = append(list[len(list)-1].fields, line)
		default:
			t.Fatalf("%s: cannot read %q", file, line)
		}
	}
	return list
}

// fieldsOf lists the fields of a packet that are present, in the order of the
// struct, as testdata writes them.
func fieldsOf(p packet) []string {
	v := reflect.ValueOf(p)
	if c, ok := p.(connect); ok {
		v = reflect.ValueOf(c.Connect)
	}
	return appendFields([]string{}, "", v.Elem())
}

func appendFields(lines []string, prefix string, v reflect.Value) []string {
	for i := range v.NumField() {
		lines = appendField(lines, prefix+v.Type().Field(i).Name, v.Field(i))
	}
	return lines
}

func appendField(lines []string, name string, v reflect.Value) []string {
	switch x := v.Interface().(type) {
	case wire.UserProperties:
		for key, value := range x.All() {
			lines = append(lines, fmt.Sprintf("%s: %q = %q", name, key, value))
		}
		return lines
	case mqttauth.ReasonCode:
		return append(lines, name+": "+x.String())
	case mqttauth.Version, wire.Type:
		return append(lines, fmt.Sprintf("%s: %v", name, x))
	case []byte:
		if x != nil {
			lines = append(lines, fmt.Sprintf("%s: %q", name, x))
		}
		return lines
	case string:
		if x != "" {
			lines = append(lines, fmt.Sprintf("%s: %q", name, x))
		}
		return lines
	case *wire.Will:
		if x != nil {
			lines = appendFields(lines, "Will ", v.Elem())
		}
		return lines
	}
	if set := fieldByName(v, "Set"); set.IsValid() {
		if value := v.FieldByName("Value"); set.Bool() && value.Kind() == reflect.String {
			return append(lines, fmt.Sprintf("%s: %q", name, value))
		} else if set.Bool() {
			return append(lines, fmt.Sprintf("%s: %v", name, value))
		}
		return lines
	}
	switch {
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			lines = appendField(lines, fmt.Sprintf("%s %d", name, i+1), v.Index(i))
		}
		return lines
	case v.Kind() == reflect.Struct:
		return appendFields(lines, name+" ", v)
	case v.IsZero():
		return lines
	default:
		return append(lines, fmt.Sprintf("%s: %v", name, v))
	}
}

func fieldByName(v reflect.Value, name string) reflect.Value {
	if v.Kind() != reflect.Struct {
		return reflect.Value{}
	}
	return v.FieldByName(name)
}
