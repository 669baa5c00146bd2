package wire

// Opt is a property that may be absent, which is not the same as zero or
// empty. The zero value is absent.
type Opt[T any] struct {
	Value T
	Set   bool
}

// Some returns a property that is present.
func Some[T any](v T) Opt[T] { return Opt[T]{v, true} }

// Or returns the value, or def when the property is absent.
func (o Opt[T]) Or(def T) T {
	if o.Set {
		return o.Value
	}
	return def
}
