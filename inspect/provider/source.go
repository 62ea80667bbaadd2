package provider

// Sources, conditions and templates: the three small languages of the catalog.
//
// A SOURCE reads candidates out of a request:
//
//	header:A,B       all values of header A, else of B; a * in a name matches any text
//	header:{setting.header}   the header that a setting names
//	query:name  form:name,…   of the target's query, of a form body
//	json:/pointer,/other      a value of a JSON body (RFC 6901); text for strings, else the raw JSON
//	json-key:/                the keys of an object
//
// and passes each through operations:
//
//	|split:SEP   each part on its own, spaces around it taken away
//	|pre:P       only those that begin with P, without it
//	|opt:P       P taken away where it is there
//	|not:A,B     all but these
//
// The last may be an encoding (hex, base64, base64url) or a form of time
// (unix, unixms, rfc3339).
type Source struct{ text string }

func (s Source) String() string { return s.text }

// IsZero reports whether s reads nothing.
func (s Source) IsZero() bool { return s.text == "" }

// A Condition is a source and what it must be:
//
//	header:X                  it is there
//	header:X=value            it is this; * matches any text
//	!json:/event              it is not there
//	method=GET                the request's method
//	query:hub.mode=subscribe
type Condition struct{ text string }

func (c Condition) String() string { return c.text }

// A Template is text with {tokens}:
//
//	{body} {ts} {url} {method} {secret} {header.X,Y} {query.X} {json./p}
//	{setting.X} {body.sha256} {body.crc32} {form.sorted} {lines.K1,K2?}
//	{hmac.sha256.hex:json./p}  (of a value, with the secret)
//
// {{ and }} are braces.
type Template struct{ text string }

func (t Template) String() string { return t.text }

// IsZero reports whether t is empty.
func (t Template) IsZero() bool { return t.text == "" }

// Values are sources (or templates, where they have a brace), the first of
// which that yields something non-empty counts.
type Values []string

// A KeyForm says how a secret becomes a key: operations (strip:P) and an
// encoding (utf8, hex, base64, base64url), joined by |.
type KeyForm struct{ text string }

func (k KeyForm) String() string { return k.text }
