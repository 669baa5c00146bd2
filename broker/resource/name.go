package resource

import "strings"

// The validators of names return what is wrong, or "".

// brokerName is the rule of the three broker kinds: 3 to 63 of a-z, 0-9 and
// "-", with a letter or digit at both ends.
func brokerName(s string) string {
	if len(s) < 3 || len(s) > 63 || !isLabel(s) {
		return `want 3 to 63 of a-z, 0-9 and "-", with a letter or digit at both ends`
	}
	return ""
}

// coreName is the rule of ConfigMaps and Secrets (DNS-1123 subdomain).
func coreName(s string) string {
	const want = `want at most 253 of a-z, 0-9, "-" and ".", with a letter or digit at both ends of each part`
	if len(s) > 253 {
		return want
	}
	for label := range strings.SplitSeq(s, ".") {
		if !isLabel(label) {
			return want
		}
	}
	return ""
}

// namespaceName is the rule of namespaces and services (DNS-1123 label).
func namespaceName(s string) string {
	if len(s) > 63 || !isLabel(s) {
		return `want at most 63 of a-z, 0-9 and "-", with a letter or digit at both ends`
	}
	return ""
}

// dataKey is the rule of the keys of a ConfigMap or Secret.
func dataKey(s string) string {
	ok := s != "" && len(s) <= 253 && s != "." && !strings.HasPrefix(s, "..")
	for i := range len(s) {
		ok = ok && (isLower(s[i]) || 'A' <= s[i] && s[i] <= 'Z' || strings.IndexByte("-._", s[i]) >= 0)
	}
	if !ok {
		return `want at most 253 letters, digits, "-", "_" and "."`
	}
	return ""
}

func isLabel(s string) bool {
	if s == "" || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		if !isLower(s[i]) && s[i] != '-' {
			return false
		}
	}
	return true
}

func isLower(b byte) bool { return 'a' <= b && b <= 'z' || '0' <= b && b <= '9' }
