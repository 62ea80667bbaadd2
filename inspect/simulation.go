package inspect

import "time"

// A Source is where a delivery came from.
type Source string

// The sources.
const (
	FromProvider   Source = ""           // it arrived
	FromTrigger    Source = "trigger"    // a sample event that hookloop sent
	FromPoll       Source = "poll"       // a result that hookloop asked a status URL for
	FromMock       Source = "mock"       // a call of a mock API
	FromSimulation Source = "simulation" // made by a simulation
)

// A SimulationState is where a simulation is.
type SimulationState string

// The states. Running is the only one that changes.
const (
	SimulationRunning     SimulationState = "running"
	SimulationEnded       SimulationState = "ended"       // with a verdict
	SimulationCanceled    SimulationState = "canceled"    // by its user; Inconclusive, unless something had failed by then
	SimulationInterrupted SimulationState = "interrupted" // its process ended first; Inconclusive
)

// A Verdict is what a simulation comes to.
type Verdict string

// The verdicts. "" is: still running.
const (
	Pass         Verdict = "PASS"
	Fail         Verdict = "FAIL"
	Inconclusive Verdict = "INCONCLUSIVE"
)

// A Simulation is a rehearsal: it makes attempts and ends in a Verdict.
type Simulation struct {
	ID         int64           `json:"id"`          // from 1, given by Store.BeginSimulation
	Kind       string          `json:"kind"`        // "duplicates", "retries", …
	Title      string          `json:"title"`       // "3 duplicates of #12, overlapping"
	DeliveryID int64           `json:"delivery_id"` // the one it is listed under
	Deliveries []int64         `json:"deliveries"`  // all that it uses, and those that it made
	State      SimulationState `json:"state"`
	StartedAt  time.Time       `json:"started_at"`           // UTC
	EndedAt    time.Time       `json:"ended_at,omitzero"`    // zero while running
	Steps      []Step          `json:"steps"`                // the timeline: done, running, planned; bounded, see MaxSteps
	MoreSteps  int             `json:"more_steps,omitempty"` // how many more there were than are kept
	Probes     []Reading       `json:"probes,omitempty"`
	Table      *Table          `json:"table,omitempty"` // what this kind has to show besides
	Verdict    Verdict         `json:"verdict"`
	Reasons    []Reason        `json:"reasons"` // why the verdict, the worst first and notes last; at least one finding once it has ended
}

// MaxSteps is how many steps of a simulation are kept.
const MaxSteps = 500

// A StepState is where a step of a simulation is.
type StepState string

// The states of a step.
const (
	StepPlanned StepState = "planned"
	StepRunning StepState = "running"
	StepDone    StepState = "done"
	StepSkipped StepState = "skipped" // it was not needed, or not reached; Note says why
)

// A Step is one attempt of a simulation, or one that it plans.
type Step struct {
	Label      string        `json:"label"` // "attempt 2 of 4", "wrong secret"
	State      StepState     `json:"state"`
	Offset     time.Duration `json:"offset_ns"`       // since the first, by the provider's clock
	DueAt      time.Time     `json:"due_at,omitzero"` // when it is to begin, by ours (compressed); zero = at once, or not known
	Guess      bool          `json:"guess,omitempty"` // the interval before it is not published
	DeliveryID int64         `json:"delivery_id,omitempty"`
	Attempt    int           `json:"attempt,omitempty"` // its number, once it has begun
	Status     int           `json:"status,omitempty"`
	Duration   time.Duration `json:"duration_ns,omitempty"`
	Error      string        `json:"error,omitempty"`
	OK         *bool         `json:"ok,omitempty"`   // whether it went as it should; nil = not judged
	Note       string        `json:"note,omitempty"` // in words
}

// A Reading is what a probe saw.
type Reading struct {
	When  string    `json:"when"` // "before", "after the first", "after the last"
	At    time.Time `json:"at"`
	Value string    `json:"value"`
	Error string    `json:"error,omitempty"` // "" = Value was read

	// Moving is whether the value still changed when it was no longer waited for.
	Moving bool `json:"moving,omitempty"`
}

// A Reason is one finding of a verdict, or a note: something to know, such as
// what could not be told, on which no verdict rests.
type Reason struct {
	Verdict Verdict `json:"verdict"`         // what this finding alone comes to; "" = it is a note
	Check   Check   `json:"check,omitempty"` // what it is a finding on; "" = it is a note, or was stored before there were checks
	Text    string  `json:"text"`            // one sentence
}

// A Check is what a finding is on: a question that a simulation asks of the
// handler. Its name stays whatever the answer is, and however that is worded.
type Check string

// The checks.
const (
	CheckAccepted    Check = "accepted"          // it accepts what its provider delivers
	CheckInTime      Check = "in_time"           // it answers while the provider waits
	CheckAlike       Check = "answers_alike"     // it answers the same event alike each time
	CheckSideEffect  Check = "side_effect"       // what it does happens as often as it is to
	CheckOverlap     Check = "overlap"           // it could be seen with several deliveries at once
	CheckEndState    Check = "end_state"         // what it comes to does not depend on the order
	CheckHalfBody    Check = "half_body"         // it survives half a body, and does nothing on it
	CheckForgeries   Check = "forgeries_refused" // it refuses what its provider did not sign
	CheckRedelivered Check = "redelivered"       // it accepts an event that comes again because its answer was lost
	CheckCaughtUp    Check = "caught_up"         // it accepts what was held while it was down
	CheckCompleted   Check = "completed"         // the simulation itself could be ended
)

// A Table is rows for people: what a handler did with each tampered delivery, or a histogram.
type Table struct {
	Columns []string   `json:"columns"`
	Rows    [][]string `json:"rows"`
}
