package resource

import (
	"cmp"
	"slices"
	"strings"
)

// Error is one thing that is wrong with a document. It never holds the value
// of a secret.
type Error struct {
	Position Position
	Field    string // path in the document, such as "spec.ports[0].tls.mode"; "" for the document or file itself
	Detail   string // what is wrong, and what to write instead where that is plain
	Err      error  // the cause, if another package reported it; may be nil
}

// Error returns "file:line:column: field: detail".
func (e *Error) Error() string {
	if e.Field == "" {
		return e.Position.String() + ": " + e.Detail
	}
	return e.Position.String() + ": " + e.Field + ": " + e.Detail
}

// Unwrap returns the cause, or nil.
func (e *Error) Unwrap() error { return e.Err }

// Errors are all errors of a load, sorted by position (LINK-8).
type Errors []*Error

// Error returns one line for each error.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.As and errors.Is look at each error.
func (e Errors) Unwrap() []error {
	out := make([]error, len(e))
	for i, one := range e {
		out[i] = one
	}
	return out
}

// Sort puts the errors in the order of file, line and column.
func (e Errors) Sort() {
	slices.SortStableFunc(e, func(a, b *Error) int {
		return cmp.Or(
			cmp.Compare(a.Position.File, b.Position.File),
			cmp.Compare(a.Position.Line, b.Position.Line),
			cmp.Compare(a.Position.Column, b.Position.Column),
		)
	})
}
