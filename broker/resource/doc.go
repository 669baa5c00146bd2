// Package resource reads the documents that configure the broker, and says in
// which line they are wrong.
//
// It reads the kinds BrokerListener, BrokerAuthentication and
// BrokerAuthorization of mqttbroker.iotoperations.azure.com/v1 and /v1beta1 and
// of az-edge.com/v1alpha4, the kind Broker of v1, and the core v1 kinds ConfigMap and Secret, from YAML
// streams and JSON files, as "kubectl apply" takes them and "kubectl get -o
// yaml" prints them. [ParseRules] and [ParseX509] read the parts of a document
// that the portal shows, [ParseUsers] and [ParseCertificateAttributes] the TOML
// files inside of Secrets. The flow is
//
//	file ─▶ tree of nodes with places ─▶ one reader per kind and version ─▶ Set
//
// The two notations meet in the tree, the document versions in the [Set]. So
// a reader of a version only converts, and nothing behind the set knows of
// notations or versions.
//
// YAML is read by a library. Only a large file in which every line is plain, as a
// long list of rules is, is read line by line instead: several times as fast, with
// the same tree, and by the library after all if there is anything to doubt.
//
// # Strictness
//
// A policy that is read otherwise than it was meant can let somebody in, so
// nothing is guessed, converted or ignored (LINK-8): an unknown field, a
// duplicate key, a field in the wrong place, a number where a string is
// wanted, an empty list of methods, an unknown kind are all errors, reported
// together, each with file, line, column and field path. YAML anchors,
// aliases, tags and merge keys are refused. With any error there is no set at
// all.
//
// In version v1alpha4 it is the policies that name listeners. [Load], [Parse] and
// [Merge] find these links; a listener that wants a policy and that none names is
// closed, never open (LINK-6). Its API group is another one, so that its objects
// may have the names of newer ones: neither refers to the other.
//
// A reference to an object that is in no file is no error, since the object
// may come later. [Set.MissingFor] tells which ports must stay closed until
// then (LINK-7).
//
// # What it does not do
//
// It does not read what the strings mean: certificates and keys, subjects and
// topic patterns belong to the packages that use them. The Locate methods turn
// an error of theirs into a place in the file. It does not watch files.
//
// # Secrets
//
// The values of Secrets and of HTTP headers are of type [Value], which prints
// as "[redacted]". No error repeats them.
package resource
