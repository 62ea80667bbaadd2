package mockapi

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestAPIXOSchedule holds the callbacks to the published times: 30 s, 2 min and
// 10 min after each failure, and only 200 within 30 s is none.
func TestAPIXOSchedule(t *testing.T) {
	const s, m = time.Second, time.Minute
	for _, tt := range []struct {
		name     string
		statuses []int
		speed    float64
		want     []time.Duration // after the task was done
		last     string
	}{
		{"accepted", []int{200}, 0, []time.Duration{0}, "T callback 1 of 4 answered 200 in 0s"},
		{"always 500", []int{500}, 0, []time.Duration{0, 30 * s, 2*m + 30*s, 12*m + 30*s}, "T given up after 4 callbacks; the result can still be polled"},
		{"sixty times as fast", []int{500}, 60, []time.Duration{0, s / 2, 2*s + s/2, 12*s + s/2}, "T given up after 4 callbacks; the result can still be polled"},
		{"201 is not 200", []int{201, 200}, 0, []time.Duration{0, 30 * s}, "T callback 2 of 4 answered 200 in 0s"},
		{"a redirect is not followed", []int{302, 200}, 0, []time.Duration{0, 30 * s}, "T callback 2 of 4 answered 200 in 0s"},
		{"the last one succeeds", []int{500, 404, 503, 200}, 0, []time.Duration{0, 30 * s, 2*m + 30*s, 12*m + 30*s}, "T callback 4 of 4 answered 200 in 0s"},
		{"no answer", []int{0}, 0, []time.Duration{0, 60 * s, 3*m + 30*s, 14 * m}, "T given up after 4 callbacks; the result can still be polled"},
		{"the handler is not made faster", []int{0, 200}, 60, []time.Duration{0, 30*s + s/2}, "T callback 2 of 4 answered 200 in 0s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				handler, told := &answers{statuses: tt.statuses}, &events{}
				api := &APIXO{Config: Config{Client: handler, Speed: tt.speed, OnEvent: told.add}}
				defer api.Close()
				begin := time.Now()
				id := generated(t, api, calling)
				time.Sleep(time.Hour)

				done := begin.Add(api.scaled(5 * s))
				var got []time.Duration
				for _, c := range handler.seen() {
					got = append(got, c.at.Sub(done))
				}
				if !slices.Equal(got, tt.want) {
					t.Errorf("callbacks at %v, want %v", got, tt.want)
				}
				if lines := told.lines(); lines[len(lines)-1] != tt.last {
					t.Errorf("last event %q, want %q", lines[len(lines)-1], tt.last)
				}
				if w := ask(api, "GET", status+id, ""); parse(t, w.Body.String(), "data", "state") != "success" {
					t.Errorf("afterwards the status is %s", w.Body)
				}
			})
		})
	}
}

func TestEventsTellTheStory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handler, told := &answers{statuses: []int{500, 0, 200}}, &events{}
		api := &APIXO{Config: Config{Client: handler, DuplicateRate: 1, OnEvent: told.add}}
		defer api.Close()
		generated(t, api, calling)
		time.Sleep(time.Hour)
		want := []string{
			"T submitted: nano-banana (image), callback to http://handler.test/hook?…",
			"T processing",
			"T success",
			"T callback 1 of 4 refused: answered 500 in 0s, next in 30s",
			"T callback 2 of 4 got no answer: not within 30s, next in 2m",
			"T callback 3 of 4 answered 200 in 0s",
			"T duplicate callback answered 200 in 0s",
		}
		if got := told.lines(); !slices.Equal(got, want) {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		calls := handler.seen()
		if first, last := calls[0], calls[len(calls)-1]; first.body != last.body || first.url != "http://handler.test/hook?s=secret" {
			t.Errorf("the duplicate differs: %s and %s, to %s", first.body, last.body, first.url)
		}
		if got := calls[3].at.Sub(calls[2].at); got != duplicateAfter {
			t.Errorf("the duplicate came %v after, want %v", got, duplicateAfter)
		}
	})
}

// TestStates holds the states to their times, for each type of model.
func TestStates(t *testing.T) {
	for _, tt := range []struct {
		model string
		want  time.Duration
	}{{"nano-banana", 5 * time.Second}, {"sora-2", time.Minute}, {"suno-v5", 20 * time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			api := &APIXO{}
			defer api.Close()
			w := ask(api, "POST", "/api/v1/generateTask/"+tt.model, polled)
			target := fmt.Sprintf("/api/v1/statusTask/%s?taskId=%s", tt.model, parse(t, w.Body.String(), "data", "taskId"))
			state := func() any { return parse(t, ask(api, "GET", target, "").Body.String(), "data", "state") }
			check := func(want string) {
				t.Helper()
				synctest.Wait()
				if got := state(); got != want {
					t.Errorf("%s is %v, want %s", tt.model, got, want)
				}
			}
			check("pending")
			time.Sleep(tt.want/5 - time.Nanosecond)
			check("pending")
			time.Sleep(time.Nanosecond)
			check("processing")
			time.Sleep(tt.want*4/5 - time.Nanosecond)
			check("processing")
			time.Sleep(time.Nanosecond)
			check("success")
			data := parse(t, ask(api, "GET", target, "").Body.String(), "data").(map[string]any)
			if got := data["costTime"]; got != float64(tt.want.Milliseconds()) {
				t.Errorf("costTime %v, want %v", got, tt.want)
			}
			if got := data["completeTime"].(float64) - data["createTime"].(float64); got != float64(tt.want.Milliseconds()) {
				t.Errorf("completeTime is %v ms after createTime, want %v", got, tt.want)
			}
		})
	}
}

// TestRates draws from a fixed series: every fourth number is under a quarter.
func TestRates(t *testing.T) {
	series := func() func() float64 {
		n := 0
		return func() float64 { n++; return float64(n%4) / 4 }
	}
	synctest.Test(t, func(t *testing.T) {
		handler := &answers{statuses: []int{200}}
		api := &APIXO{Config: Config{Client: handler, FailRate: 0.25, Rand: series()}}
		defer api.Close()
		failed := 0
		for range 40 {
			generated(t, api, calling)
		}
		time.Sleep(time.Minute)
		for _, c := range handler.seen() {
			if data := parse(t, c.body, "data").(map[string]any); data["state"] == "failed" {
				failed++
				if data["failCode"] != "GENERATION_FAILED" || data["failMsg"] == "" || data["resultJson"] != nil || data["costTime"] != nil {
					t.Errorf("a failed task is told as %v", data)
				}
			}
		}
		if failed != 10 {
			t.Errorf("%d of 40 tasks failed, want 10", failed)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		handler := &answers{statuses: []int{200}}
		api := &APIXO{Config: Config{Client: handler, DuplicateRate: 0.25, Rand: series()}}
		defer api.Close()
		for range 40 {
			generated(t, api, calling)
		}
		time.Sleep(time.Minute)
		if got := len(handler.seen()); got != 50 {
			t.Errorf("40 tasks made %d callbacks, want 50", got)
		}
	})
}

func TestDagloDeliversOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handler, told := &answers{statuses: []int{500}}, &events{}
		api := &Daglo{Config: Config{Client: handler, FailRate: 1, OnEvent: told.add}}
		defer api.Close()
		ask(api, "POST", dagloPath, `{"audio":{"source":{"url":"https://a.test/a.wav"}},"callback":{"url":"http://handler.test/"}}`)
		time.Sleep(time.Hour)
		want := []string{
			"T submitted: audio, callback to http://handler.test/", "T processing", "T transcript_error",
			"T callback 1 of 1 refused: answered 500 in 0s", "T given up after 1 callback; the result can still be polled",
		}
		if got := told.lines(); !slices.Equal(got, want) {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if got := handler.seen()[0].body; !strings.Contains(got, `"status":"transcript_error","sttResults":[]`) {
			t.Errorf("the callback of a failure is %s", got)
		}
	})
}

func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &APIXO{Config: Config{RateLimit: 2}}
		defer api.Close()
		codes := func(n int, key string) (codes []int) {
			for range n {
				w := ask(api, "GET", status+"none", "", "Authorization", "Bearer "+key)
				codes = append(codes, w.Code)
				if w.Code == http.StatusTooManyRequests && w.Header().Get("Retry-After") != "1" {
					t.Errorf("Retry-After %q, want 1", w.Header().Get("Retry-After"))
				}
			}
			return codes
		}
		if got, want := codes(3, "a"), []int{404, 404, 429}; !slices.Equal(got, want) {
			t.Errorf("at once: %v, want %v", got, want)
		}
		if got, want := codes(1, "b"), []int{404}; !slices.Equal(got, want) {
			t.Errorf("with another key: %v, want %v", got, want)
		}
		time.Sleep(500 * time.Millisecond)
		if got, want := codes(2, "a"), []int{404, 429}; !slices.Equal(got, want) {
			t.Errorf("half a second later: %v, want %v", got, want)
		}
		time.Sleep(time.Hour)
		if got, want := codes(3, "a"), []int{404, 404, 429}; !slices.Equal(got, want) {
			t.Errorf("an hour later: %v, want %v", got, want)
		}
	})
	slow := limiter{rate: 0.1}
	now := time.Now()
	if first, second := slow.take("k", now), slow.take("k", now.Add(4*time.Second)); first != 0 || second != 6*time.Second {
		t.Errorf("at one request in ten seconds: waits %v and %v, want 0 and 6s", first, second)
	}
	for i := range 3 * maxLimited {
		slow.take(fmt.Sprint(i), now)
	}
	if len(slow.free) > maxLimited {
		t.Errorf("%d keys are remembered, want at most %d", len(slow.free), maxLimited)
	}
}

// TestOldTasksGo fills the memory with settled tasks, then with unsettled ones.
func TestOldTasksGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &APIXO{Config: Config{MaxTasks: 2}}
		defer api.Close()
		first := generated(t, api, polled)
		second := generated(t, api, polled)
		w := ask(api, "POST", generate, polled)
		if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "5" {
			t.Errorf("with two tasks at work: %d, Retry-After %q, want 429 and 5", w.Code, w.Header().Get("Retry-After"))
		}
		time.Sleep(6 * time.Second)
		third := generated(t, api, polled)
		if n := len(api.engine.tasks); n != 2 {
			t.Errorf("%d tasks are kept, want 2", n)
		}
		found := 0
		for _, id := range []string{first, second, third} {
			if ask(api, "GET", status+id, "").Code == http.StatusOK {
				found++
			}
		}
		if found != 2 {
			t.Errorf("%d of three tasks are known, want 2", found)
		}
	})
}

// TestClose ends tasks in every stage, and is refused nothing by a callback
// that hangs.
func TestClose(t *testing.T) {
	for _, after := range []time.Duration{0, 2 * time.Second, 6 * time.Second, 40 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			api := &APIXO{Config: Config{Client: &answers{statuses: []int{0}}}}
			generated(t, api, calling)
			time.Sleep(after)
			begin := time.Now()
			api.Close()
			api.Close()
			if took := time.Since(begin); took != 0 {
				t.Errorf("after %v, closing took %v", after, took)
			}
			if w := ask(api, "POST", generate, polled); w.Code != http.StatusServiceUnavailable {
				t.Errorf("a closed API answered %d, want 503", w.Code)
			}
		})
	}
	(&Daglo{}).Close()
}

// TestCloseWaits closes while a callback takes its time to end.
func TestCloseWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := false
		api := &APIXO{Config: Config{Client: roundTripFunc(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			time.Sleep(time.Second)
			ended = true
			return nil, r.Context().Err()
		})}}
		generated(t, api, calling)
		time.Sleep(6 * time.Second)
		api.Close()
		if !ended {
			t.Error("Close returned before the callback had ended")
		}
	})
}
