package inspect

import (
	"strings"

	"hookloop/inspect/provider"
)

// This file has the keys of the search language that ask who sent a delivery,
// what it is and whether its signature holds.

// address returns a condition on whether the sender's address is one that its provider publishes.
func address(check provider.AddressCheck) condition {
	return expr("d.facts ->> '$.address' = ?", string(check))
}

func parseProvider(v value) (condition, error) {
	return expr("d.provider <> '' AND d.provider GLOB lower(?)", v.glob()), nil
}

func parseEvent(v value) (condition, error) {
	return expr("d.event_type <> '' AND lower(d.event_type) GLOB lower(?)", v.glob()), nil
}

func parseEventID(v value) (condition, error) {
	return expr("d.event_id <> '' AND d.event_id GLOB ?", v.glob()), nil
}

// signatures are the words for a signature's result, and the results they stand for.
var signatures = []struct {
	name    string
	results []provider.Result // one of them, or two, of which "" is that nobody looked
}{
	{"valid", []provider.Result{provider.Valid}},
	{"good", []provider.Result{provider.Valid}},
	{"invalid", []provider.Result{provider.Invalid}},
	{"bad", []provider.Result{provider.Invalid}},
	{"unverifiable", []provider.Result{provider.Unverifiable}},
	{"none", []provider.Result{provider.Unverifiable, ""}},
}

var signatureCodes = []provider.Code{
	provider.CodeOK, provider.CodeWrongSecret, provider.CodeBodyChanged, provider.CodeTooOld, provider.CodeInFuture, provider.CodeUnknownVersion,
	provider.CodeMissing, provider.CodeMalformed, provider.CodeURLDiffers, provider.CodeSecretForm, provider.CodeNoSecret, provider.CodeNotSigned,
	provider.CodeNoKey, provider.CodeNoSetting, provider.CodeTruncated, provider.CodeUnrecognized, provider.CodeHandshakeRefused,
}

func parseSignature(v value) (condition, error) {
	name := strings.ToLower(v.text)
	var names []string
	for _, s := range signatures {
		if s.name == name {
			return expr("d.signature IN (?, ?)", string(s.results[0]), string(s.results[len(s.results)-1])), nil
		}
		names = append(names, s.name)
	}
	for _, code := range signatureCodes {
		if string(code) == name {
			return expr("d.facts ->> '$.signature_code' = ?", name), nil
		}
		names = append(names, string(code))
	}
	return nil, oneOf(v, names)
}

// outlooks are the words for what a provider would do, and the verdicts they stand for.
var outlooks = []struct {
	name     string
	verdicts []provider.Verdict
}{
	{"accepted", []provider.Verdict{provider.Accepted}},
	{"retry", []provider.Verdict{provider.WouldRetry}},
	{"retries", []provider.Verdict{provider.WouldRetry}},
	{"would_retry", []provider.Verdict{provider.WouldRetry}},
	{"gives_up", []provider.Verdict{provider.GivesUp}},
	{"disabled", []provider.Verdict{provider.Disabled}},
	{"too_late", []provider.Verdict{provider.TooLate}},
	{"late", []provider.Verdict{provider.TooLate}},
	{"unknown", []provider.Verdict{provider.NotKnown}},
	{"failed", []provider.Verdict{provider.WouldRetry, provider.GivesUp, provider.Disabled, provider.TooLate}},
}

func parseOutlook(v value) (condition, error) {
	name := strings.NewReplacer("-", "_", " ", "_").Replace(strings.ToLower(v.text))
	var names []string
	for _, o := range outlooks {
		if o.name != name {
			names = append(names, o.name)
			continue
		}
		var args []any
		for _, verdict := range o.verdicts {
			args = append(args, string(verdict))
		}
		return anyAttempt("a.outlook ->> '$.verdict' IN (?"+strings.Repeat(", ?", len(args)-1)+")", args...), nil
	}
	return nil, oneOf(v, names)
}
