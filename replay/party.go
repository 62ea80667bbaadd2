package replay

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"hookloop/inspect/provider"
)

// This file is what a rehearsal knows of the provider that it stands in for.

// defaultDeadline is how long a provider waits that publishes no limit.
const defaultDeadline = 10 * time.Second

const customPolicy = "custom:"

// findProvider sets the provider whose ways are rehearsed: the one that
// Spec.Policy names, else the first delivery's; else one that wants a 2xx.
func (r *rehearsal) findProvider() error {
	catalog, d := r.catalog(), r.deliveries[0]
	p := &provider.Provider{Name: "unknown", Title: "a provider"}
	variant := r.spec.Variant
	switch policy := r.spec.Policy; {
	case strings.HasPrefix(policy, customPolicy):
		retry, err := customRetry(strings.TrimPrefix(policy, customPolicy))
		if err != nil {
			return err
		}
		// A custom schedule changes when it retries, not what the provider wants.
		if own := r.recognised(); own != nil {
			*p = *own
			variant = cmp.Or(variant, own.VariantOf(d.Request()))
		} else {
			p.Name, p.Title = "custom", "the custom policy"
		}
		merged, err := p.Delivery.Variant(variant)
		if err != nil {
			return err
		}
		p.Delivery, variant = *merged, ""
		p.Delivery.Retry, r.known = retry, true
	case policy != "":
		named := catalog.Provider(policy)
		if named == nil {
			return unknownProvider(catalog, policy)
		}
		*p, r.known = *named, true
	default:
		if own := r.recognised(); own != nil {
			*p, r.known = *own, true
		}
	}
	if variant == "" && len(p.Delivery.Variants) > 0 {
		variant = p.VariantOf(d.Request())
	}
	rules, err := p.Delivery.Variant(variant)
	if err != nil {
		return err
	}
	p.Delivery = *rules
	p.Delivery.Variants = nil
	if r.spec.Deadline > 0 {
		p.Delivery.Timeout = provider.Duration(r.spec.Deadline)
	}
	r.provider = p
	return nil
}

func (r *rehearsal) catalog() *provider.Catalog {
	if c := r.s.Sender.Checker; c != nil && c.Catalog != nil {
		return c.Catalog
	}
	return &provider.Catalog{}
}

// recognised is the provider of the first delivery, or nil.
func (r *rehearsal) recognised() *provider.Provider {
	facts := &r.deliveries[0].Facts
	if facts.Provider == "" || facts.Certainty == provider.Guess {
		return nil
	}
	return r.catalog().Provider(facts.Provider)
}

func unknownProvider(catalog *provider.Catalog, name string) error {
	if near := catalog.Nearest(strings.ToLower(name)); near != "" {
		return fmt.Errorf("there is no provider %q: did you mean %s?", name, near)
	}
	return fmt.Errorf("there is no provider %q: `hookloop providers` lists them, and custom:30s,2m,10m is a schedule of your own", name)
}

// maxCustom bounds the times of a custom policy.
const maxCustom = 100

// customRetry reads "30s,2m,10m".
func customRetry(text string) (*provider.Retry, error) {
	retry := &provider.Retry{}
	for part := range strings.SplitSeq(text, ",") {
		d, err := time.ParseDuration(strings.TrimSpace(part))
		if err != nil || d < 0 || d > 30*24*time.Hour {
			return nil, fmt.Errorf("%q is no time of a custom policy: write custom:30s,2m,10m, each up to 720h", strings.TrimSpace(part))
		}
		retry.Delays = append(retry.Delays, provider.Interval{Min: d, Max: d})
	}
	if len(retry.Delays) > maxCustom {
		return nil, fmt.Errorf("the policy has %d times: give up to %d", len(retry.Delays), maxCustom)
	}
	return retry, nil
}

// deadline is how long the provider waits for an answer. published is false
// where that is neither published nor given.
func (r *rehearsal) deadline() (limit time.Duration, published bool) {
	if t := time.Duration(r.provider.Delivery.Timeout); t > 0 {
		return t, true
	}
	return defaultDeadline, false
}

// findSigning sets how the attempts are signed: again where the provider does
// so for each delivery, and it can be done; else where it has to be.
func (r *rehearsal) findSigning(ctx context.Context) {
	d := r.deliveries[0]
	f, err := r.s.Sender.Forecast(ctx, d.ID, Options{To: r.spec.To, Header: r.spec.Header, Signing: SignAgain})
	if err != nil {
		return // the attempts will tell
	}
	if f.CanSign && r.resigns() {
		r.signing = SignAgain
	}
	if r.stale = !f.CanSign && (f.Refused != "" || r.resigns() && d.Facts.Scheme != ""); r.stale {
		r.note("the signature is the one that arrived, which a handler that checks it may refuse by now: %s", f.Why)
	}
}

// resigns reports whether the provider signs each delivery of an event anew.
func (r *rehearsal) resigns() bool {
	if own := r.provider.Delivery.Resign; own != nil {
		return *own
	}
	sch := scheme(r.provider, r.deliveries[0].Facts.Scheme)
	if sch == nil && len(r.provider.Schemes) > 0 {
		sch = &r.provider.Schemes[0]
	}
	return sch != nil && !sch.Timestamp.IsZero()
}
