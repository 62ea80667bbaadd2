package mockapi

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// An EventKind is what happened to a task.
type EventKind string

// The kinds of events.
const (
	EventSubmitted EventKind = "submitted" // the API took the task; it has its first state
	EventState     EventKind = "state"     // the task entered State
	EventCallback  EventKind = "callback"  // a callback was answered, or got no answer
	EventDuplicate EventKind = "duplicate" // an accepted callback was sent again
	EventGivenUp   EventKind = "given up"  // no callback was accepted and no more are sent
)

// An Event is one thing that happened to a task. It holds no secret: no key, no
// header, and of the callback URL neither password nor query.
type Event struct {
	Time   time.Time
	Kind   EventKind
	TaskID string
	Model  string    // "" for daglo
	Type   ModelType // what the task makes
	State  string    // the state the task is in, in the API's word

	Callback string // where callbacks go, "" if the task is only polled

	// Of EventCallback and EventDuplicate.
	Attempt  int           // from 1; of a duplicate, the number after the accepted one's
	Attempts int           // how many are made at most, not counting duplicates
	Status   int           // what the handler answered, 0 = no answer
	Err      string        // why there was no answer
	Accepted bool          // the API is content with the answer
	Took     time.Duration // until the answer, or until none was awaited any more
	Next     time.Duration // until the next attempt, as compressed by Speed; 0 = there is none
}

// String is the event in one line, without its time.
func (e Event) String() string {
	switch e.Kind {
	case EventSubmitted:
		what := string(e.Type)
		if e.Model != "" {
			what = e.Model + " (" + what + ")"
		}
		if e.Callback == "" {
			return fmt.Sprintf("%s submitted: %s, to be polled", e.TaskID, what)
		}
		return fmt.Sprintf("%s submitted: %s, callback to %s", e.TaskID, what, e.Callback)
	case EventState:
		return e.TaskID + " " + e.State
	case EventDuplicate:
		return fmt.Sprintf("%s duplicate callback %s", e.TaskID, e.answer())
	case EventGivenUp:
		return fmt.Sprintf("%s given up after %s; the result can still be polled", e.TaskID, plural(e.Attempts, "callback"))
	}
	line := fmt.Sprintf("%s callback %d of %d %s", e.TaskID, e.Attempt, e.Attempts, e.answer())
	if e.Next > 0 {
		line += ", next in " + short(e.Next)
	}
	return line
}

func (e Event) answer() string {
	if e.Status == 0 {
		return "got no answer: " + e.Err
	}
	how := "answered %d in %s"
	if !e.Accepted {
		how = "refused: answered %d in %s"
	}
	return fmt.Sprintf(how, e.Status, short(e.Took))
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// short is d as people write it: "2m", "1.5s", "830ms".
func short(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		d = d.Round(time.Second)
	case d >= time.Second:
		d = d.Round(100 * time.Millisecond)
	case d >= time.Millisecond:
		d = d.Round(time.Millisecond)
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// shown is u without what may be secret in it.
func shown(u *url.URL) string {
	text := u.Scheme + "://" + u.Host + u.EscapedPath()
	if u.RawQuery != "" {
		text += "?…"
	}
	return text
}
