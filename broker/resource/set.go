package resource

// Set is what a number of documents say together, in no document version.
// Every list is in the order of appearance. A Set is not changed after it was
// made and is then safe for concurrent use. The zero value is an empty set.
type Set struct {
	Brokers         []*Broker
	Listeners       []*Listener
	Authentications []*Authentication
	Authorizations  []*Authorization
	ConfigMaps      []*ConfigMap
	Secrets         []*Secret
}

// Authentication returns the BrokerAuthentication named k, or nil.
func (s *Set) Authentication(k Key) *Authentication { return find(s.Authentications, k) }

// Authorization returns the BrokerAuthorization named k, or nil.
func (s *Set) Authorization(k Key) *Authorization { return find(s.Authorizations, k) }

// Listener returns the BrokerListener named k, or nil.
func (s *Set) Listener(k Key) *Listener { return find(s.Listeners, k) }

// ConfigMap returns the ConfigMap named k, or nil.
func (s *Set) ConfigMap(k Key) *ConfigMap { return find(s.ConfigMaps, k) }

// Secret returns the Secret named k, or nil.
func (s *Set) Secret(k Key) *Secret { return find(s.Secrets, k) }

// keyed is satisfied by every object through the Key it embeds.
type keyed interface{ key() Key }

func (k Key) key() Key { return k }

// find is a plain search: a set holds few objects of one kind.
func find[T keyed](list []T, k Key) T {
	for _, v := range list {
		if v.key() == k {
			return v
		}
	}
	var none T
	return none
}
