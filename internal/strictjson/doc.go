// Package strictjson reads small JSON documents of peers: answers, tokens,
// policies.
//
// Two readers of one document must not read different things, so what
// encoding/json lets pass is an error here: a key twice in one object, at any
// depth; bytes behind the document; invalid UTF-8; lone surrogates; and
// anything deeper or longer than [Limits] say. Nothing is converted: a number
// is no string, and a key in other letter case is another key.
//
//	doc, err := strictjson.Parse(body, strictjson.Limits{})
//	object, err := doc.Object()
//	reason, ok := object.Get("reason")
//	code, err := reason.Int64()
//
// Errors are of type [*Error]. They say where and what, and never quote the
// document, which may hold a secret.
//
// Numbers stay as they are written until somebody asks for one. There is no
// reflection, and no writer but [AppendString].
package strictjson
