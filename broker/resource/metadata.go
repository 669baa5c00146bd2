package resource

import (
	"maps"
	"slices"
	"strings"
)

// settingPrefix begins the annotations that this program gives a meaning
// (LINK-10).
const settingPrefix = "mqttwarden/"

// readMetadata reads metadata. What a cluster adds by itself is accepted, so
// that the output of "kubectl get -o yaml" can be used as it is.
func (d *document) readMetadata(validName func(string) string) {
	m := d.required("metadata").object()
	d.key = Key{Namespace: DefaultNamespace}
	if f := m.optional("namespace"); f != nil {
		d.key.Namespace = f.reference(namespaceName)
	}
	d.key.Name = m.required("name").reference(validName)
	d.readAnnotations(m.optional("annotations"))
	for _, label := range m.optional("labels").entries() {
		label.text()
		if isSetting(label.key) {
			label.errorf("settings are annotations; move it to metadata.annotations")
		}
	}
	m.ignored("creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "finalizers", "generateName",
		"generation", "managedFields", "ownerReferences", "resourceVersion", "selfLink", "uid")
	m.done()
}

func (d *document) readAnnotations(f *field) {
	d.settings = map[string]*field{}
	for _, a := range f.entries() {
		if isSetting(a.key) {
			d.settings[a.key] = a
			continue
		}
		a.text()
	}
}

func isSetting(key string) bool {
	return len(key) >= len(settingPrefix) && strings.EqualFold(key[:len(settingPrefix)], settingPrefix)
}

// setting takes out a setting of this program, or returns nil.
func (d *document) setting(name string) *field {
	f := d.settings[settingPrefix+name]
	delete(d.settings, settingPrefix+name)
	return f
}

// switched takes out a setting that is on or off, off when it is absent.
func (d *document) switched(name string) bool {
	return d.setting(name).oneOf("true", "false") == "true"
}

// knownSettings are those that readers take.
const knownSettings = "a BrokerAuthentication knows " + settingPrefix + "method-<index>-on-unavailable, for ServiceAccountToken also -namespaces, " +
	"-revalidate-after and -review-again, for X509 -stale-crl, for Custom -requests-per-second, the index counting its methods from 0, and " +
	settingPrefix + "throttle-failures; a BrokerAuthorization " + settingPrefix + "keep-clients and " + settingPrefix +
	"recheck-retained; a BrokerListener " + settingPrefix + "port-<number>-allowed-origins, of its WebSockets ports"

// refuseSettings reports the settings that nobody took.
func (d *document) refuseSettings() {
	for _, key := range slices.Sorted(maps.Keys(d.settings)) {
		d.settings[key].errorf("unknown setting; " + knownSettings)
	}
}
