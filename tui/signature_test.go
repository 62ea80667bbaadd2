package tui

import (
	"strings"
	"testing"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// checkOf is what a Checker would have found.
func checkOf(d provider.Diagnosis) *check { return &check{d} }

var wrongSecret = provider.Diagnosis{
	Result: provider.Invalid, Code: provider.CodeWrongSecret, Reason: "the signature is from another secret", Provider: "stripe", Scheme: "v1",
	SignedAt: noon.Add(-12 * time.Second), Notes: []string{"the URL is not signed"},
	Explain: &provider.Explanation{
		Message: []byte("1710417591.{\"a\":\t1} \r\nend\n"), Expected: "5257a869e7a1b2c3d4e5f60718293a4b",
		Received: []string{"ffffffff", "0000\x1b[2J"}, Where: "header Stripe-Signature",
	},
}

// check ends a check of a delivery's signature.
func (m *model) check(id int64, d provider.Diagnosis) {
	v := &m.detail
	if v.checking == 0 {
		v.looks, v.stop = v.looks+1, func() {}
		v.checking = v.looks
	}
	m.Update(checkedMsg{look: v.checking, id: id, check: checkOf(d)})
}

func TestCheckIsShownOverTheStoredOne(t *testing.T) {
	m := sampleModel(t, 100, 40)
	m.open(tabRequest)
	if got, want := m.text(), "✓ valid: signed with STRIPE_WEBHOOK_SECRET"; !strings.Contains(got, want) {
		t.Fatalf("before the check there is no %q in\n%s", want, got)
	}
	m.check(12, wrongSecret)
	if m.detail.built[tabRequest] || m.detail.checking != 0 {
		t.Fatal("the tab is not to be laid out again")
	}
	d, attempts := sampleDelivery()
	m.Update(docMsg{d: m.detail.d, tab: tabRequest, doc: buildDoc(tabRequest, m.subject(d, attempts, 0), m.t)})
	if m.detail.built[tabRequest] {
		t.Error("a doc from before the check was taken for one of it")
	}
	s := m.subject(m.detail.d, attempts, 0)
	s.check = m.detail.check
	m.Update(docMsg{d: m.detail.d, tab: tabRequest, doc: buildDoc(tabRequest, s, m.t)})
	if got, want := m.text(), "✗ invalid: the signature is from another secret; it was valid when it arrived"; !strings.Contains(got, want) {
		t.Errorf("no %q in\n%s", want, got)
	}
	m.check(11, provider.Diagnosis{Result: provider.Valid})
	if m.detail.check.Result != provider.Invalid {
		t.Error("the check of another delivery was taken")
	}
}

func TestCheckIsMadeOncePerOpening(t *testing.T) {
	m := sampleModel(t, 100, 40)
	m.cfg.Checker = &provider.Checker{Catalog: provider.BuiltIn()}
	m.open(tabRequest)
	if m.detail.checking == 0 || m.detail.due {
		t.Fatalf("checking %v, due %v: want it to be looked at when it is opened", m.detail.checking, m.detail.due)
	}
	m.check(12, wrongSecret)
	m.keys("j", "k", "tab")
	if m.detail.checking != 0 {
		t.Error("moving around has it looked at again")
	}
	m.keys("v")
	if m.detail.checking == 0 || m.detail.tab != tabSignature {
		t.Errorf("v: checking %v, tab %v", m.detail.checking, tabNames[m.detail.tab])
	}
	m.check(12, wrongSecret)
	m.keys("esc", "enter")
	if m.detail.checking == 0 {
		t.Error("opened again, it is not looked at again")
	}
}

// signatureText is the Signature tab as text.
func signatureText(m *model, c *check) string {
	d, attempts := sampleDelivery()
	s := m.subject(d, attempts, 0)
	s.check = c
	doc := buildDoc(tabSignature, s, m.t)
	var b strings.Builder
	for i := range doc.n {
		b.WriteString(doc.line(i).text() + "\n")
	}
	return b.String()
}

func TestSignatureTab(t *testing.T) {
	m := sampleModel(t, 100, 40)
	got := signatureText(m, checkOf(wrongSecret))
	for _, want := range []string{
		"Signature  ✗ invalid\n", "Why        the signature is from another secret\n", "Scheme     v1\n", "14 Mar 2026 11:59:48, 3 s before it arrived\n",
		"On arrival valid: signed with STRIPE_WEBHOOK_SECRET\n", "Received in header Stripe-Signature\nffffffff\n0000\\x1b[2J\n", "masked; --show-secrets shows it\n",
		"Signed string", "1710417591.{\"a\":⇥1}·␍⏎\n", "\nend⏎\n", "· the URL is not signed\n",
	} {
		if !strings.Contains(strings.ReplaceAll(got, "\\u001b", "\\x1b"), want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	other, explained := wrongSecret, *wrongSecret.Explain
	explained.Message, other.Explain = []byte("id=1\xff\x00"), &explained
	if got := signatureText(m, checkOf(other)); !strings.Contains(got, "69 64 3d 31 ff 00") {
		t.Errorf("the bytes are not in\n%s", got)
	}
	m.cfg.ShowSecrets = true
	if got := signatureText(m, checkOf(wrongSecret)); !strings.Contains(got, "Expected\n5257a869e7a1b2c3d4e5f60718293a4b\n") {
		t.Errorf("the expected signature is not whole in\n%s", got)
	}
	if got := signatureText(m, nil); !strings.Contains(got, "✓ valid\n") || !strings.Contains(got, "signed with STRIPE_WEBHOOK_SECRET") {
		t.Errorf("without a checker there is nothing of what was found on arrival in\n%s", got)
	}
}

func TestExpectedIsMasked(t *testing.T) {
	m := sampleModel(t, 100, 40)
	if got := signatureText(m, checkOf(wrongSecret)); strings.Contains(got, wrongSecret.Explain.Expected) {
		t.Errorf("the expected signature is whole in\n%s", got)
	}
}

// TestNewFactsAreShown has what a later check of the store's own found reach an open delivery.
func TestNewFactsAreShown(t *testing.T) {
	store := openStore(t)
	m := newModelOn(t, store, 100, 30)
	d := addDelivery(t, store, "/hooks")
	m.Update(listedMsg{at: m.at, rows: []inspect.Summary{{ID: d.ID, ReceivedAt: noon, Method: "POST", Path: "/hooks"}}, done: true})
	m.press(keyMsg("enter"))
	doc := buildDoc(tabRequest, m.subject(d, nil, 0), m.t)
	m.Update(detailMsg{id: d.ID, d: d, doc: doc})
	if msg := m.src.detail(wish{id: d.ID, tab: tabRequest, have: m.known(d.ID), old: doc}, m.t)().(detailMsg); msg.doc != doc {
		t.Error("it was laid out again, though nothing has changed")
	}
	m.list.rows[0].Facts = stripeFacts
	msg := m.src.detail(wish{id: d.ID, tab: tabRequest, have: m.known(d.ID), old: doc}, m.t)().(detailMsg)
	m.Update(msg)
	if got, want := m.text(), "✓ valid: signed with STRIPE_WEBHOOK_SECRET"; !strings.Contains(got, want) {
		t.Errorf("no %q in\n%s", want, got)
	}
}

// TestCheckOfAnotherDeliveryEnds keeps a check that waits for a key from
// holding up the next one.
func TestCheckOfAnotherDeliveryEnds(t *testing.T) {
	m := sampleModel(t, 200, 40)
	m.cfg.Checker = &provider.Checker{Catalog: provider.BuiltIn()}
	d, attempts := sampleDelivery()
	m.Update(detailMsg{id: d.ID, d: d, attempts: attempts})
	first, ended := m.detail.checking, false
	stop := m.detail.stop
	m.detail.stop = func() { ended = true; stop() }
	m.keys("k")
	other := *d
	other.ID = 11
	m.Update(detailMsg{id: 11, d: &other, attempts: attempts})
	if !ended || m.detail.checking == first || m.detail.checking == 0 {
		t.Fatalf("ended %v, look %d after %d: want the first to end and another to begin", ended, m.detail.checking, first)
	}
	m.Update(checkedMsg{look: first, id: 12, check: checkOf(wrongSecret)})
	if m.detail.check != nil || m.detail.checking == 0 {
		t.Error("the late answer of the first was taken")
	}
	m.check(11, wrongSecret)
	if m.detail.check == nil {
		t.Error("the answer of the second was not taken")
	}
}
