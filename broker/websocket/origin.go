package websocket

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

// origin is the value of an Origin header (RFC 6454 section 6), taken apart.
type origin struct {
	text string // scheme://host, with a port that is not the scheme's own, in lower case
	host string // without the port
}

// parseOrigin refuses what no browser sends.
func parseOrigin(s string) (origin, error) {
	u, err := url.Parse(strings.ToLower(s))
	if err != nil {
		return origin{}, fmt.Errorf("%q is no origin", s)
	}
	if u.Scheme == "" || u.Hostname() == "" || u.String() != u.Scheme+"://"+u.Host {
		return origin{}, fmt.Errorf("%q is no origin; want scheme://host or scheme://host:port", s)
	}
	host := u.Host
	if port := u.Port(); port == "" || port == defaultPorts(u.Scheme) {
		host = strings.TrimSuffix(host, ":"+port)
	}
	return origin{u.Scheme + "://" + host, u.Hostname()}, nil
}

func defaultPorts(scheme string) string {
	switch scheme {
	case "http":
		return "80"
	case "https":
		return "443"
	default:
		return ""
	}
}

// hostOf returns the host of a Host header, without the port.
func hostOf(header string) string {
	header = strings.ToLower(header)
	if host, _, err := net.SplitHostPort(header); err == nil {
		return host
	}
	return strings.TrimSuffix(strings.TrimPrefix(header, "["), "]")
}
