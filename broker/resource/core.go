package resource

// ConfigMap is a core v1 ConfigMap.
type ConfigMap struct {
	Key
	Position   Position
	Data       map[string]string
	BinaryData map[string][]byte

	entries map[string]Position
}

// Locate returns the place of the entry with the given key, or of the object
// when it has none.
func (c *ConfigMap) Locate(key string) Position { return locateEntry(c.entries, key, c.Position) }

// Secret is a core v1 Secret. Data holds the decoded entries of data and
// stringData; where both have a key, stringData wins, as in Kubernetes.
type Secret struct {
	Key
	Position Position
	Type     string // "Opaque" when the document has none
	Data     map[string]Value

	entries map[string]Position
}

// Locate returns the place of the entry with the given key, or of the object
// when it has none.
func (s *Secret) Locate(key string) Position { return locateEntry(s.entries, key, s.Position) }

func locateEntry(entries map[string]Position, key string, fallback Position) Position {
	if p, ok := entries[key]; ok {
		return p
	}
	return fallback
}
