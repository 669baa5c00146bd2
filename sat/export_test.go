package sat

// CountKeys reads a key set.
func CountKeys(set []byte) (int, error) {
	keys, err := parseKeySet(set)
	return len(keys), err
}
