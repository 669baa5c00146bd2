package sat

import (
	"errors"
	"fmt"

	"github.com/mqttwarden/mqttwarden/internal/peertext"
	"github.com/mqttwarden/mqttwarden/internal/strictjson"
)

// fields reads members of one JSON object. What is absent or null reads as
// nothing, since the API server leaves out what is empty; what is of another
// kind is an error, and the first error stays.
type fields struct {
	members strictjson.Members
	err     *error
}

// parseObject reads a document that is an object. Its fields share err.
func parseObject(body []byte, limit int, err *error) fields {
	f := fields{err: err}
	v, e := strictjson.Parse(body, strictjson.Limits{Bytes: limit, Depth: 64}) // managedFields are deep
	if e == nil {
		f.members, e = v.Object()
	}
	f.note(e)
	return f
}

func (f fields) note(err error) {
	if *f.err == nil {
		*f.err = err
	}
}

func (f fields) get(name string) (strictjson.Value, bool) {
	v, ok := f.members.Get(name)
	return v, ok && v.Kind() != strictjson.Null
}

func (f fields) text(name string) string {
	v, ok := f.get(name)
	if !ok {
		return ""
	}
	s, err := v.Text()
	f.note(err)
	return s
}

func (f fields) flag(name string) bool {
	v, ok := f.get(name)
	if !ok {
		return false
	}
	b, err := v.Bool()
	f.note(err)
	return b
}

func (f fields) number(name string) int64 {
	v, ok := f.get(name)
	if !ok {
		return 0
	}
	n, err := v.Int64()
	f.note(err)
	return n
}

func (f fields) texts(name string) []string {
	v, ok := f.get(name)
	if !ok {
		return nil
	}
	list, err := v.Array()
	f.note(err)
	texts := make([]string, len(list))
	for i, e := range list {
		texts[i], err = e.Text()
		f.note(err)
	}
	return texts
}

func (f fields) object(name string) fields {
	inner := fields{err: f.err}
	if v, ok := f.get(name); ok {
		members, err := v.Object()
		f.note(err)
		inner.members = members
	}
	return inner
}

// is notes an error unless the member is the text.
func (f fields) is(name, text string) {
	if f.text(name) != text {
		f.note(fmt.Errorf("%s is not %s", name, text))
	}
}

// parseReview reads a TokenReview.
func parseReview(body []byte) (Review, error) {
	var err error
	f := parseObject(body, maxReview, &err)
	f.is("apiVersion", "authentication.k8s.io/v1")
	f.is("kind", "TokenReview")
	status := f.object("status")
	user := status.object("user")
	v := Review{
		Authenticated: status.flag("authenticated"),
		Username:      user.text("username"),
		UID:           user.text("uid"),
		Audiences:     status.texts("audiences"),
		Problem:       status.text("error"),
	}
	if _, ok := f.get("status"); !ok {
		f.note(errors.New("there is no status"))
	}
	if err != nil {
		return Review{}, err
	}
	return v, nil
}

// parseAccount reads the ServiceAccount a, or the metadata of it.
func parseAccount(body []byte, a Account) (ServiceAccount, error) {
	var err error
	f := parseObject(body, maxAccount, &err)
	if kind := f.text("kind"); kind != "ServiceAccount" && kind != "PartialObjectMetadata" {
		f.note(errors.New("kind is not ServiceAccount"))
	}
	meta := f.object("metadata")
	meta.is("name", a.Name)
	meta.is("namespace", a.Namespace)
	stored := ServiceAccount{UID: meta.text("uid"), Annotations: make(map[string]string)}
	if stored.UID == "" {
		f.note(errors.New("there is no uid"))
	}
	annotations := meta.object("annotations")
	for key, v := range annotations.members.All() {
		text, e := v.Text()
		f.note(e)
		stored.Annotations[key] = text
	}
	if err != nil {
		return ServiceAccount{}, err
	}
	return stored, nil
}

// saysNotFound reports whether a 404 is about this account. Others come from
// proxies, and from servers that are no API server.
func saysNotFound(body []byte, name string) bool {
	var err error
	f := parseObject(body, maxAccount, &err)
	f.is("kind", "Status")
	f.is("reason", "NotFound")
	details := f.object("details")
	details.is("kind", "serviceaccounts")
	details.is("name", name)
	return err == nil
}

// statusMessage returns the message of a Status, or "".
func statusMessage(body []byte) string {
	var err error
	f := parseObject(body, maxAccount, &err)
	f.is("kind", "Status")
	message := f.text("message")
	if err != nil {
		return ""
	}
	return peertext.Clean(message)
}
