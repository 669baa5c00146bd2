package resource

import "encoding/base64"

// readConfigMap reads a core v1 ConfigMap.
func readConfigMap(d document) {
	c := &ConfigMap{Key: d.key, Position: d.position, entries: map[string]Position{}}
	for _, f := range d.optional("data").entries() {
		f.checkDataKey()
		if c.Data == nil {
			c.Data = map[string]string{}
		}
		c.Data[f.key] = f.text()
		c.entries[f.key] = f.position()
	}
	for _, f := range d.optional("binaryData").entries() {
		f.checkDataKey()
		if _, ok := c.Data[f.key]; ok {
			f.errorf("key is also in data; one key belongs to one of both")
		}
		if c.BinaryData == nil {
			c.BinaryData = map[string][]byte{}
		}
		c.BinaryData[f.key] = f.base64()
		c.entries[f.key] = f.position()
	}
	d.optional("immutable").boolean()
	d.set.ConfigMaps = append(d.set.ConfigMaps, c)
}

const tlsSecret = "kubernetes.io/tls" //nolint:gosec // the name of a type

// readSecret reads a core v1 Secret.
func readSecret(d document) {
	s := &Secret{Key: d.key, Position: d.position, Type: "Opaque", Data: map[string]Value{}, entries: map[string]Position{}}
	for _, f := range d.optional("data").entries() {
		f.checkDataKey()
		s.Data[f.key] = NewValue(f.base64())
		s.entries[f.key] = f.position()
	}
	for _, f := range d.optional("stringData").entries() {
		f.checkDataKey()
		s.Data[f.key] = NewValue([]byte(f.text()))
		s.entries[f.key] = f.position()
	}
	if f := d.optional("type"); f != nil {
		s.Type = f.nonEmpty()
	}
	d.optional("immutable").boolean()
	if s.Type == tlsSecret {
		for _, key := range []string{"tls.crt", "tls.key"} {
			if _, ok := s.Data[key]; !ok {
				d.errorf("a secret of type %s must have %s in data or stringData", tlsSecret, key)
			}
		}
	}
	d.set.Secrets = append(d.set.Secrets, s)
}

func (f *field) checkDataKey() {
	if problem := dataKey(f.key); problem != "" {
		f.decoder.report(f.at, f.path(), "not a key of data: "+problem)
	}
}

// base64 reads standard base64 with padding, in which line breaks are allowed.
// The text is not repeated in the message.
func (f *field) base64() []byte {
	if f.node.kind != stringNode {
		f.errorf("want a string of base64, found %s", f.node.kind)
		return nil
	}
	b, err := base64.StdEncoding.DecodeString(f.node.text)
	if err != nil {
		f.errorf("not standard base64 with padding")
		return nil
	}
	return b
}
