package provider

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// What fetching a confirmation's address may take.
const (
	confirmTimeout = 10 * time.Second
	confirmBody    = 64 << 10
)

// arn is what SNS answers a confirmed subscription with:
// https://docs.aws.amazon.com/sns/latest/api/API_ConfirmSubscription.html
var arn = regexp.MustCompile(`<SubscriptionArn>\s*(arn:[!-;=?-~]{1,500})\s*</SubscriptionArn>`)

// topicARN is where SNS says what a confirmation is about.
var topicARN = func() Source {
	s, err := parseSource("json:/TopicArn")
	if err != nil {
		panic(err)
	}
	return s
}()

// Confirm fetches the address that a handshake asks to have fetched (SNS:
// SubscribeURL) and returns a line about it: "confirmed: arn:…". It fetches
// nothing but https from one of the handshake's hosts, follows no redirects,
// and refuses a handshake whose signature is not known to be good: with an
// [*UnverifiedError] where it cannot be checked.
func (c *Checker) Confirm(ctx context.Context, r *Request) (string, error) {
	return c.confirm(ctx, r, false)
}

// ConfirmUnverified is Confirm also where the signature cannot be checked, for
// a user who has seen what the [*UnverifiedError] says. One that is wrong is
// refused in any case.
func (c *Checker) ConfirmUnverified(ctx context.Context, r *Request) (string, error) {
	return c.confirm(ctx, r, true)
}

// An UnverifiedError says that anybody could have sent a handshake that asks
// to be confirmed. Its text is whole.
type UnverifiedError struct {
	What   string // "AWS SNS's SubscriptionConfirmation"
	Host   string // that would be asked
	Topic  string // what it is about, as it says; "" = it says nothing
	Reason string // why its signature cannot be checked
}

func (e *UnverifiedError) Error() string {
	return fmt.Sprintf("%s (%s) was not confirmed, as it is not known who sent it: %s", e.What, e.About(), e.Reason)
}

// About says what would be confirmed, and where.
func (e *UnverifiedError) About() string {
	if e.Topic == "" {
		return "no topic, at " + e.Host
	}
	return e.Topic + " at " + e.Host
}

func (c *Checker) confirm(ctx context.Context, r *Request, unverified bool) (string, error) {
	rec := c.Recognize(r)
	p, h := rec.Provider, rec.Handshake
	if p == nil || h == nil || h.Confirm.IsZero() {
		return "", errors.New("there is nothing to confirm: this is no subscription's confirmation")
	}
	what := p.Whose() + " " + h.Name
	d := c.Verify(ctx, r)
	if d.Result == Invalid {
		return "", fmt.Errorf("%s was not confirmed: %s", what, d.Reason)
	}
	text, _ := h.Confirm.first(&scope{r: r, settings: c.Settings[p.Name]})
	address, err := pinned(text, h.Hosts)
	if err != nil {
		return "", fmt.Errorf("%s was not confirmed: %w", what, err)
	}
	if d.Result != Valid && !unverified {
		about, _ := topicARN.first(&scope{r: r})
		return "", &UnverifiedError{What: what, Host: address.Host, Topic: cut(about), Reason: d.Reason}
	}
	line, err := c.visit(ctx, address)
	if err != nil {
		return "", fmt.Errorf("%s was not confirmed: %w", what, err)
	}
	return line, nil
}

// visit fetches a confirmation's address once.
func (c *Checker) visit(ctx context.Context, address *url.URL) (string, error) {
	client := &http.Client{
		Transport:     c.transport(),
		Timeout:       confirmTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", unreachable(address.Host, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, confirmBody))
	if err != nil {
		return "", fmt.Errorf("the answer of %s broke off: %w", address.Host, err)
	}
	status := strings.TrimSpace(fmt.Sprintf("%d %s", resp.StatusCode, http.StatusText(resp.StatusCode)))
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return "", fmt.Errorf("%s answered %s", address.Host, status)
	}
	if found := arn.FindSubmatch(body); found != nil {
		return "confirmed: " + string(found[1]), nil
	}
	return address.Host + " answered " + status + ", no ARN: look whether it is confirmed", nil
}

func (c *Checker) transport() http.RoundTripper {
	if c.HTTP != nil {
		return c.HTTP
	}
	return fetchTransport()
}

// pinned parses an address that a request names. It has to be https, without
// a user or a port, on one of the hosts, in which a * stands for no dot.
func pinned(text string, hosts []string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return nil, errors.New("it names no address")
	case err != nil || u.Scheme != "https" || u.Opaque != "" || u.User != nil || u.Fragment != "":
		return nil, errors.New("the address that it names is no plain https address")
	case strings.Trim(u.Host, hostBytes) != "" && !strings.Contains(u.Host, ":"):
		return nil, errors.New("the address that it names has a host that is not written as hosts are")
	case u.Port() != "" || strings.HasSuffix(u.Host, ":"):
		return nil, errors.New("the address that it names has a port")
	}
	for _, host := range hosts {
		if matchHost(host, u.Hostname()) {
			return u, nil
		}
	}
	return nil, fmt.Errorf("the address that it names is on %q, not on %s", u.Hostname(), joinWords(hosts, "or"))
}

// hostBytes are what a host is written with. Others are mapped to them on the
// way (RFC 5895), so that it would not be the host that was looked at.
const hostBytes = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-."

// region is a region of AWS: eu-west-1, us-gov-east-1.
var region = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$`)

// matchHost reports whether host is pattern, label by label, whatever the
// case; a * in a label stands for any text without a dot, and {region} for a
// region of AWS. Whoever has a bucket named sns has the host
// sns.s3.amazonaws.com, so no * is a label of S3's.
func matchHost(pattern, host string) bool {
	labels, want := strings.Split(strings.ToLower(host), "."), strings.Split(strings.ToLower(pattern), ".")
	if len(labels) != len(want) {
		return false
	}
	for i, label := range labels {
		if want[i] == "{region}" && region.MatchString(label) {
			continue
		}
		if label == "" || !match(want[i], label) {
			return false
		}
		if strings.Contains(want[i], "*") && (label == "s3" || strings.HasPrefix(label, "s3-")) {
			return false
		}
	}
	return true
}
