// Package mockapi stands in for asynchronous APIs: a task is submitted, it can
// be asked for by polling, and its result is sent to a callback URL.
//
// [APIXO] and [Daglo] are http.Handlers. Each keeps its tasks in memory and one
// goroutine for every task that is not settled; Close ends them. All waits are
// made with package time, so tests can run them under testing/synctest.
package mockapi

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// A Config is what the APIs have in common. Its zero value accepts every key,
// takes the time that models of its kind take, never fails a task, and sends
// nothing twice. It must not be changed after the first request.
type Config struct {
	// Keys are the bearer keys that are accepted; none = any that is not empty.
	Keys []string

	// Speed divides every wait of the API: the latency of tasks and the time
	// between callbacks; 60 = sixty times as fast, 0 = 1. Timeout is not divided,
	// because the handler is not made faster.
	Speed float64

	Latency       Latency       // of tasks, before Speed
	FailRate      float64       // how many tasks fail, 0 to 1
	DuplicateRate float64       // how many callbacks are sent again after they were accepted, 0 to 1
	Timeout       time.Duration // for a callback's whole answer, 0 = 30 s

	// RateLimit is how many requests a second each key may make, with bursts of
	// as many; more are answered 429. 0 = no limit.
	RateLimit float64

	// MaxTasks is how many tasks are kept, 0 = 10,000. Over it the oldest settled
	// one is forgotten; if none is settled, new tasks are answered 429.
	MaxTasks int

	// Client makes the callbacks, and so decides where they may go. Nil = a
	// transport without a proxy that allows everything. Redirects are not followed.
	Client http.RoundTripper

	// OnEvent, if not nil, is told what happens to tasks, one event at a time and
	// in the order of each task. It must not block for long, nor call Close.
	OnEvent func(Event)

	// Rand returns numbers in [0, 1) that decide on failures and duplicates; nil =
	// rand.Float64. It is called by one goroutine at a time.
	Rand func() float64
}

// scaled is how long d takes at c's speed.
func (c *Config) scaled(d time.Duration) time.Duration {
	if !(c.Speed > 0) {
		return d
	}
	return duration(float64(d) / c.Speed)
}

// duration is nanoseconds as a Duration, or the longest one.
func duration(nanoseconds float64) time.Duration {
	if nanoseconds >= math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(nanoseconds)
}

func (c *Config) random() float64 {
	if c.Rand == nil {
		return rand.Float64()
	}
	return c.Rand()
}

// A ModelType is what a model makes.
type ModelType string

// The model types.
const (
	Image ModelType = "image"
	Video ModelType = "video"
	Audio ModelType = "audio"
)

// videoModels and audioModels are brands whose names do not say what they make.
var (
	videoModels = map[string]bool{
		"sora": true, "veo": true, "kling": true, "seedance": true, "hailuo": true,
		"wan": true, "runway": true, "vidu": true, "pixverse": true, "luma": true,
	}
	audioModels = map[string]bool{"suno": true, "udio": true, "elevenlabs": true, "lyria": true}
)

// TypeOf tells a model's type from its name: "kling-2-1" makes video,
// "suno-music" audio. What is not known makes images.
func TypeOf(model string) ModelType {
	model = strings.ToLower(model)
	for _, word := range []string{"audio", "music", "tts", "speech", "voice"} {
		if strings.Contains(model, word) {
			return Audio
		}
	}
	if strings.Contains(model, "video") {
		return Video
	}
	for _, part := range strings.FieldsFunc(model, func(r rune) bool { return r < 'a' || r > 'z' }) {
		switch {
		case videoModels[part]:
			return Video
		case audioModels[part]:
			return Audio
		}
	}
	return Image
}

// A Latency is how long tasks take from submission to result, by model type.
// Zero means the default: 5 s for images, 60 s for video, 20 s for audio.
//
// It is a flag value: "2s" for all types, "image=2s,video=1m" for some.
type Latency struct {
	Image, Video, Audio time.Duration
}

// Of returns the latency of a type.
func (l Latency) Of(t ModelType) time.Duration {
	own, usual := l.Image, 5*time.Second
	switch t {
	case Video:
		own, usual = l.Video, time.Minute
	case Audio:
		own, usual = l.Audio, 20*time.Second
	}
	if own > 0 {
		return own
	}
	return usual
}

// Set reads a latency as it is written on the command line. It changes only
// the types that text names, and nothing if it returns an error.
func (l *Latency) Set(text string) error {
	next := *l
	for field := range strings.SplitSeq(text, ",") {
		name, value, named := strings.Cut(field, "=")
		if !named {
			name, value = "", field
		}
		d, err := time.ParseDuration(strings.TrimSpace(value))
		if err != nil || d <= 0 {
			return fmt.Errorf("%q is no latency: write a time such as 2s, or image=2s,video=1m,audio=20s", field)
		}
		switch ModelType(strings.TrimSpace(name)) {
		case "":
			next = Latency{d, d, d}
		case Image:
			next.Image = d
		case Video:
			next.Video = d
		case Audio:
			next.Audio = d
		default:
			return fmt.Errorf("%q is no type of model: write image, video or audio", name)
		}
	}
	*l = next
	return nil
}

// String is the latency of every type, as Set reads it.
func (l Latency) String() string {
	return fmt.Sprintf("image=%s,video=%s,audio=%s", short(l.Of(Image)), short(l.Of(Video)), short(l.Of(Audio)))
}

// Type is the word for the flag's value in a command's help.
func (l Latency) Type() string { return "times" }

// sleep waits for d, and reports false if ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return ctx.Err() == nil
	}
}
