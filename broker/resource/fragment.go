package resource

import (
	"io"
	"os"
)

// LoadRules reads a file as [ParseRules] does.
func LoadRules(file string) (*Authorization, error) {
	data, problem := readWhole(file)
	if problem != nil {
		return nil, Errors{problem}
	}
	return ParseRules(file, data)
}

// ParseRules reads a list of rules without a document around it, as the portal
// shows it: the value of spec.authorizationPolicies.rules of version v1. The
// result has no name; its Locate and Field work as those of a document. The
// name of the file is used in positions and tells the notation, as in [Parse],
// and errors are as those of [Load].
func ParseRules(file string, data []byte) (*Authorization, error) {
	a := &Authorization{Position: Position{file, 1, 1}, Cache: true}
	err := parseFragment(file, data, func(f *field) {
		if f.node.kind == mappingNode {
			f.errorf("want a list of rules, found a mapping; a whole document is no list")
			return
		}
		a.Position = f.position()
		readRulesV1(a, f)
	})
	if err != nil {
		return nil, err
	}
	return a, nil
}

// LoadX509 reads a file as [ParseX509] does.
func LoadX509(file string) (*X509, error) {
	data, problem := readWhole(file)
	if problem != nil {
		return nil, Errors{problem}
	}
	return ParseX509(file, data)
}

// ParseX509 reads the details of an X.509 method without a document around
// them, as the portal shows them: the value of x509Settings of version v1.
// File and errors are as those of [ParseRules].
func ParseX509(file string, data []byte) (*X509, error) {
	var x *X509
	err := parseFragment(file, data, func(f *field) { x = readX509V1(f) })
	if err != nil {
		return nil, err
	}
	return x, nil
}

// parseFragment reads a file that holds exactly one value.
func parseFragment(file string, data []byte, read func(*field)) error {
	d := decoder{file: file}
	roots := d.parse(data)
	switch {
	case len(d.errors) > 0: // syntax
	case len(roots) == 0:
		d.report(place{1, 1}, "", "the file is empty")
	case len(roots) > 1:
		d.report(roots[1].pos, "", "a second document; the file must hold one value")
	default:
		read(&field{decoder: &d, node: roots[0], at: roots[0].pos})
	}
	if len(d.errors) == 0 {
		return nil
	}
	d.errors.Sort()
	return d.errors
}

// readWhole reads a file up to just above the most that a file may have, which
// is then reported.
func readWhole(file string) ([]byte, *Error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fileError(file, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return nil, fileError(file, err)
	}
	return data, nil
}
