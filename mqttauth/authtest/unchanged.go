package authtest

import (
	"context"
	"maps"
	"reflect"
	"slices"

	"github.com/mqttwarden/mqttwarden/mqttauth"
)

func checkCredentials(ctx context.Context, m mqttauth.Method, c Case) string {
	cred := presented(c)
	before := snapshotOf(cred)
	_, _ = m.Authenticate(ctx, cred)
	if field := before.differs(snapshotOf(cred)); field != "" {
		return "the method modified " + field
	}
	return ""
}

// view is what can be compared of credentials.
type view map[string]any

func snapshotOf(c *mqttauth.Credentials) view {
	v := make(view)
	value := reflect.ValueOf(*c)
	for i := range value.NumField() {
		name, field := value.Type().Field(i).Name, value.Field(i).Interface()
		switch f := field.(type) {
		case mqttauth.Secret:
			v[name] = [2]any{f.IsSet(), string(f.Reveal())}
		case *mqttauth.Result:
			v[name] = resultOf(f)
		default:
			v[name] = field
		}
	}
	v["PeerCertificates"] = slices.Clone(c.PeerCertificates)
	chains := slices.Clone(c.VerifiedChains)
	for i := range chains {
		chains[i] = slices.Clone(chains[i])
	}
	v["VerifiedChains"] = chains
	return v
}

func (v view) differs(w view) (field string) {
	for _, name := range slices.Sorted(maps.Keys(v)) {
		if !reflect.DeepEqual(v[name], w[name]) {
			return name
		}
	}
	return ""
}

// resultOf returns what can be compared of a result.
func resultOf(r *mqttauth.Result) view {
	if r == nil {
		return nil
	}
	return view{
		"Principal.ClientID":   r.Principal.ClientID,
		"Principal.Username":   r.Principal.Username,
		"Principal.Attributes": maps.Clone(r.Principal.Attributes),
		"Identity":             r.Identity,
		"Expiry":               r.Expiry,
		"Revalidate":           r.Revalidate != nil,
		"RevalidateAfter":      r.RevalidateAfter,
		"Steps":                slices.Clone(r.Steps),
		"accepted":             r.Accepted(),
	}
}

func checkResult(ctx context.Context, m mqttauth.Method, c Case) string {
	first, _ := ask(ctx, m, c)
	before := resultOf(&first)
	for _, id := range []string{"somebody", "somebody else"} {
		other := c
		other.Credentials.ClientID = id
		_, _ = ask(ctx, m, other)
		_, _ = ask(ctx, m, c)
	}
	if field := before.differs(resultOf(&first)); field != "" {
		return "a later call modified the Result's " + field
	}
	return ""
}
