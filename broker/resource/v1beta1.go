package resource

// Version v1beta1 is v1 with other names for some fields. They changed while it
// was published, so both spellings are read; object.name says where.

// olderX509V1beta1 is the other name of method X509.
const olderX509V1beta1 = "X509Credentials"

func readListenerV1beta1(d document) {
	d.readOlderNames(readListenerV1)
}

func readAuthorizationV1beta1(d document) {
	d.readOlderNames(readAuthorizationV1)
}

func readAuthenticationV1beta1(d document) {
	d.readOlderNames(readAuthenticationV1)
	a := d.set.Authentications[len(d.set.Authentications)-1]
	for _, m := range a.Methods {
		if m.ServiceAccountToken != nil {
			m.ServiceAccountToken.AnnotationPrefix = annotationPrefixV1beta1
		}
	}
}

func (d *document) readOlderNames(read func(document)) {
	d.decoder.olderNames = true
	defer func() { d.decoder.olderNames = false }()
	read(*d)
}

// readAttributesSecretV1beta1 reads the name of the Secret with attribute rules.
func readAttributesSecretV1beta1(o *object) string {
	f := o.optional("attributes")
	if f == nil {
		return ""
	}
	attributes := f.object()
	name := attributes.required("secretName").reference(coreName)
	attributes.done()
	o.misplaced("authorizationAttributes", "stands beside attributes.secretName; remove one of them")
	return name
}

// namesV1beta1 returns what the fields of a method are called in the document.
func namesV1beta1(settings map[MethodKind]string) [][2]string {
	names := [][2]string{{"x509Settings.attributes", settings[MethodX509] + ".attributes.secretName"}}
	for kind, field := range map[MethodKind]string{
		MethodX509: "x509Settings", MethodServiceAccountToken: "serviceAccountTokenSettings", MethodCustom: "customSettings",
	} {
		names = append(names, [2]string{field, settings[kind]})
	}
	return names
}
