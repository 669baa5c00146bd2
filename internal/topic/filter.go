package topic

import "strings"

// Filter is a topic filter as it stands in SUBSCRIBE and UNSUBSCRIBE, split
// into its parts. It is comparable; the zero Filter is no filter.
type Filter struct {
	Share  string // group of a shared subscription, "" when it is not shared
	Filter string // the filter proper, never a share
}

const shareWord = "$share"

// ParseFilter reads a filter of a SUBSCRIBE or UNSUBSCRIBE, in both protocol
// versions (AUTHZ-8, MQTT 5.0 section 4.8.2). A filter whose first level is
// exactly "$share" is $share/GROUP/FILTER: GROUP is not empty and has no + or
// #, FILTER is a valid filter and not itself a share. A bare "$share" is
// refused as well: nothing can be published there, so it can only be a mistake.
// "$SHARE/…" is an ordinary filter. The error is an *Error; its offset counts
// from the start of s.
func ParseFilter(s string) (Filter, error) {
	if err := checkText("topic filter", s); err != nil {
		return Filter{}, err
	}
	if isShare(s) {
		return parseShare(s)
	}
	if err := checkWildcards("topic filter", s); err != nil {
		return Filter{}, err
	}
	return Filter{Filter: s}, nil
}

// parseShare reads s, whose first level is "$share" and whose text is checked.
func parseShare(s string) (Filter, error) {
	_, rest, more := Next(s)
	if !more {
		return Filter{}, &Error{"topic filter", len(s), ErrShare}
	}
	group, filter, more := Next(rest)
	groupAt := len(s) - len(rest)
	filterAt := len(s) - len(filter)
	if i := strings.IndexAny(group, "+#"); i >= 0 {
		return Filter{}, &Error{"share group", groupAt + i, ErrWildcard}
	}
	if group == "" {
		return Filter{}, &Error{"share group", groupAt, ErrEmpty}
	}
	if !more || filter == "" || isShare(filter) {
		return Filter{}, &Error{"topic filter", filterAt, ErrShare}
	}
	if err := checkWildcards("topic filter", filter); err != nil {
		err.(*Error).Offset += filterAt
		return Filter{}, err
	}
	return Filter{Share: group, Filter: filter}, nil
}

// isShare reports whether the first level of s is "$share".
func isShare(s string) bool { return under(s, shareWord) }

// under reports whether s is root or below it.
func under(s, root string) bool {
	return strings.HasPrefix(s, root) && (len(s) == len(root) || s[len(root)] == '/')
}

// String returns the filter as it stands in a packet.
func (f Filter) String() string {
	if f.Share == "" {
		return f.Filter
	}
	return shareWord + "/" + f.Share + "/" + f.Filter
}
