package provider

import "time"

// A Result is what a verification comes to.
type Result string

// The results.
const (
	Valid        Result = "valid"
	Invalid      Result = "invalid"
	Unverifiable Result = "unverifiable" // nothing can be said: no secret, no provider, no key
)

// A Code says in one word why.
type Code string

// The codes.
const (
	CodeOK               Code = "ok"
	CodeWrongSecret      Code = "wrong_secret" // or the body was changed in a way that is not known
	CodeBodyChanged      Code = "body_changed" // and it is known how
	CodeTooOld           Code = "timestamp_too_old"
	CodeInFuture         Code = "timestamp_in_future"
	CodeUnknownVersion   Code = "unknown_version"
	CodeMissing          Code = "signature_missing"
	CodeMalformed        Code = "signature_malformed"
	CodeURLDiffers       Code = "url_differs"
	CodeSecretForm       Code = "secret_form" // the secret is right, in another form than it has to be
	CodeNoSecret         Code = "no_secret"
	CodeNotSigned        Code = "not_signed"        // this provider signs nothing
	CodeNoKey            Code = "no_key"            // its certificate or key could not be had
	CodeNoSetting        Code = "no_setting"        // a setting that the check needs is missing
	CodeTruncated        Code = "truncated"         // the body was not kept whole
	CodeUnrecognized     Code = "unrecognized"      // it is not known who sent it
	CodeHandshakeRefused Code = "handshake_refused" // its verify token is not the one set
)

// A Diagnosis says whether a signature holds, and why not.
type Diagnosis struct {
	Result   Result
	Code     Code
	Reason   string       // plain words, one sentence or two, ending without a dot; never a secret
	Provider string       // "stripe"; "" when not recognised
	Scheme   string       // "v1"; "handshake"; "" when none was looked at
	Secret   string       // the label of the secret that matched; "" otherwise
	SignedAt time.Time    // the signed timestamp, or the one that stands there where no key is known; zero without one
	Notes    []string     // what the scheme does not protect, and the like
	Explain  *Explanation // nil when nothing was compared
}
