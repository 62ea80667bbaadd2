package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"hookloop/inspect"
	"hookloop/replay"
)

// play sends what the story has, and rehearses.
func (d *demo) play(ctx context.Context) error {
	for _, part := range []func(context.Context) error{d.payment, d.submit, d.failure, d.retry, d.naive, d.fixed} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	d.say(ctx, "That is the loop. Enter opens a delivery, s rehearses, r replays; then try `hookloop listen 3000` with your own handler")
	return nil
}

// payment is a signed delivery that goes well, #1.
func (d *demo) payment(ctx context.Context) error {
	d.say(ctx, "1. Stripe reports a payment for credits, signed. hookloop checks the signature")
	p := d.s.checker.Catalog.Provider("stripe")
	now := time.Now()
	r := p.Render(&p.Samples[0], d.s.receiverURL()+"/webhooks/stripe", now)
	signed, err := d.s.checker.Sign(r, now, true)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, signed.Request.URL, bytes.NewReader(signed.Request.Body))
	if err != nil {
		return err
	}
	req.Header = signed.Request.Header
	if err := roundTrip(req, nil); err != nil {
		return err
	}
	return d.arrived(ctx, 1)
}

// submit asks the stand-in for an image.
func (d *demo) submit(ctx context.Context) error {
	d.say(ctx, "2. An image is ordered from a stand-in of APIXO's API, with hookloop's address for the callback")
	order, err := json.Marshal(map[string]any{
		"request_type": "callback", "callback_url": d.s.receiverURL() + "/webhooks/apixo",
		"input": map[string]any{"prompt": "a lighthouse in the fog"},
	})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.api+"/api/v1/generateTask/demo-image", bytes.NewReader(order))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer demo")
	req.Header.Set("Content-Type", "application/json")
	var task struct {
		Data struct {
			TaskID string `json:"taskId"`
		} `json:"data"`
	}
	if err := roundTrip(req, &task); err != nil {
		return err
	}
	d.out.linef("   task %s", inspect.Escape(task.Data.TaskID))
	return nil
}

// failure is the callback that the service refuses, #2.
func (d *demo) failure(ctx context.Context) error {
	d.begin("3. The image is done and its callback arrives, but the service's disk is full")
	return d.arrived(ctx, 2)
}

// retry is the provider's own second delivery, #3.
func (d *demo) retry(ctx context.Context) error {
	d.begin(fmt.Sprintf("4. The disk has room again. APIXO delivers again after its 30 s, here %g times as fast", d.speed))
	return d.arrived(ctx, 3)
}

// naive rehearses a duplicate against a service that does not expect one.
func (d *demo) naive(ctx context.Context) error {
	d.say(ctx, "5. Providers deliver twice. A rehearsal: the same callback, twice at the same time, counting the images that are saved")
	return d.rehearse(ctx)
}

// fixed does the same when the service remembers what it has done.
func (d *demo) fixed(ctx context.Context) error {
	d.service.mend()
	d.say(ctx, "6. The service now remembers the tasks it has done. The same rehearsal again")
	return d.rehearse(ctx)
}

func (d *demo) rehearse(ctx context.Context) error {
	sim := &replay.Simulator{Sender: d.s.sender}
	result, err := sim.Run(ctx, replay.Spec{
		Kind: "duplicates", Deliveries: []int64{3}, Mode: "concurrent", Count: 2,
		Probe: d.s.probe,
	})
	if err != nil {
		return err
	}
	for i := range result.Steps {
		d.out.linef("   %s", stepLine(&result.Steps[i]))
	}
	d.out.linef("   %s", result.Verdict)
	d.caption(verdictCaption(result))
	for _, r := range result.Reasons {
		d.out.linef("     %s", inspect.Escape(r.Text))
	}
	d.sleep(ctx)
	return nil
}

// verdictCaption is a verdict with the last finding that came to it: of a
// duplicate, what the probe says.
func verdictCaption(sim *inspect.Simulation) string {
	text := string(sim.Verdict)
	for _, r := range slices.Backward(sim.Reasons) {
		if r.Verdict == sim.Verdict {
			return text + ": " + inspect.Escape(r.Text)
		}
	}
	return text
}

// arrived waits for the end of a delivery's first attempt, and prints it.
func (d *demo) arrived(ctx context.Context, id int64) error {
	signal, cancel := d.s.store.Watch()
	defer cancel()
	for {
		at, err := d.s.store.Attempt(ctx, id, 1)
		if err == nil && at.State != inspect.Pending {
			break
		}
		select {
		case <-signal:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	err := d.result(ctx, id)
	d.sleep(ctx)
	return err
}

// roundTrip sends a request and reads its JSON answer into v, unless v is nil.
func roundTrip(req *http.Request, v any) error {
	transport := &http.Transport{DisableCompression: true, DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || v == nil {
		return err
	}
	return json.Unmarshal(body, v)
}
