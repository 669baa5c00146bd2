package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/mqttwarden/mqttwarden/internal/strictjson"
)

// maxLine is the greatest log line that is read, in bytes. The broker writes
// less.
const maxLine = 64 << 10

// readLogLine returns the fields of a line as the text or the JSON handler of
// log/slog writes it, groups as GROUP.NAME. What stands before the fields of a
// text line, such as what a supervisor puts there, is skipped.
func readLogLine(line string) (map[string]string, error) {
	if len(line) > maxLine {
		return nil, fmt.Errorf("a log line has at most %d bytes", maxLine)
	}
	line = strings.TrimSpace(line)
	if strings.HasPrefix(line, "{") {
		return readJSONLine(line)
	}
	return readTextLine(line)
}

func readJSONLine(line string) (map[string]string, error) {
	v, err := strictjson.Parse([]byte(line), strictjson.Limits{Bytes: maxLine})
	if err != nil {
		return nil, fmt.Errorf("the log line is not JSON: %w", err)
	}
	object, err := v.Object()
	if err != nil {
		return nil, err
	}
	fields := make(map[string]string)
	addMembers(fields, "", object)
	if steps, ok := object.Get("steps"); ok {
		addSteps(fields, steps)
	}
	return fields, nil
}

// addSteps adds the steps of the audit log as the other log has them.
func addSteps(fields map[string]string, steps strictjson.Value) {
	list, _ := steps.Array() // or none
	for _, v := range list {
		object, err := v.Object()
		if err != nil {
			continue
		}
		step := make(map[string]string)
		addMembers(step, "", object)
		answer := step["outcome"]
		if step["error"] != "" {
			answer += ": " + step["error"]
		}
		fields["method."+step["method"]] = answer
	}
}

func addMembers(fields map[string]string, prefix string, object strictjson.Members) {
	for name, v := range object.All() {
		switch v.Kind() {
		case strictjson.String:
			fields[prefix+name], _ = v.Text()
		case strictjson.Number:
			fields[prefix+name], _ = v.Number()
		case strictjson.Bool:
			if yes, _ := v.Bool(); yes {
				fields[prefix+name] = "true"
			}
		case strictjson.Object:
			if group, err := v.Object(); err == nil {
				addMembers(fields, prefix+name+".", group)
			}
		default: // nothing that a denial has
		}
	}
}

func readTextLine(line string) (map[string]string, error) {
	fields := make(map[string]string)
	for {
		line = strings.TrimLeft(line, " ")
		if line == "" {
			return fields, nil
		}
		key, rest, ok, err := cutKey(line)
		if err != nil {
			return nil, err
		}
		if !ok { // a word
			line = rest
			continue
		}
		value, after, err := cutToken(rest, " ")
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", key, err)
		}
		if _, twice := fields[key]; twice {
			return nil, fmt.Errorf("field %s is there twice; give one log line at a time", key)
		}
		fields[key] = value
		line = after
	}
}

// cutKey cuts a key and its "=" off. It is not ok when a word stands there.
func cutKey(s string) (key, rest string, ok bool, err error) {
	key, rest, err = cutToken(s, " =")
	if err != nil {
		return "", "", false, err
	}
	rest, ok = strings.CutPrefix(rest, "=")
	return key, rest, ok, nil
}

var errQuote = errors.New("its quotation marks are damaged; give the line on standard input, or between ' and '")

// cutToken cuts off what ends before one of the stops, or a quoted string.
func cutToken(s, stops string) (token, rest string, err error) {
	if !strings.HasPrefix(s, `"`) {
		n := strings.IndexAny(s, stops)
		if n < 0 {
			n = len(s)
		}
		return s[:n], s[n:], nil
	}
	quoted, err := strconv.QuotedPrefix(s)
	if err != nil {
		return "", "", errQuote
	}
	token, err = strconv.Unquote(quoted)
	if err != nil {
		return "", "", errQuote
	}
	return token, s[len(quoted):], nil
}

// readArguments returns the fields of a line that a shell has taken apart, each
// as KEY=VALUE without its quotation marks.
func readArguments(args []string) (map[string]string, error) {
	fields := make(map[string]string)
	for _, a := range args {
		key, value, ok := strings.Cut(a, "=")
		if !ok {
			continue
		}
		if _, twice := fields[key]; twice {
			return nil, fmt.Errorf("field %s is there twice; give one log line at a time", key)
		}
		fields[key] = value
	}
	return fields, nil
}
