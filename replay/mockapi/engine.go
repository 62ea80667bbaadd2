package mockapi

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// A protocol is how one API differs from the others.
type protocol struct {
	pending, processing, success, failed string // its words for states

	retries []time.Duration // waits after callbacks that were not accepted
	accepts func(status int) bool
	body    func(t task) any                   // of a callback, for a finished task
	sign    func(h http.Header, now time.Time) // adds what the API signs with; nil = nothing
	agent   string                             // User-Agent of callbacks

	problem func(status int, detail string) any // the body of an error answer
}

// A task is one job. The engine's lock guards its state and completed.
type task struct {
	id, model string
	kind      ModelType
	owner     string // the key that submitted it
	base      string // URL under which its submitter reached the API
	callback  *callback
	fails     bool

	created   time.Time
	state     string
	completed time.Time // zero until it is finished
}

// A callback is where the result of a task goes.
type callback struct {
	url    *url.URL
	header http.Header
}

// engine keeps the tasks of one API and takes them through their states.
type engine struct {
	config   Config
	protocol protocol
	client   http.RoundTripper
	ctx      context.Context // ends with close
	cancel   context.CancelFunc
	running  sync.WaitGroup
	limiter  limiter

	mu      sync.Mutex
	closed  bool
	tasks   map[string]*task
	settled []string // IDs of tasks to which nothing more happens, oldest first

	telling sync.Mutex // OnEvent
	drawing sync.Mutex // Rand
}

var (
	errBusy   = errors.New("too many tasks are at work")
	errClosed = errors.New("the API is stopping")
)

func newEngine(config Config, p protocol) *engine {
	e := &engine{config: config, protocol: p, client: config.Client, tasks: map[string]*task{}}
	e.limiter.rate = config.RateLimit
	if e.client == nil {
		e.client = &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 4, IdleConnTimeout: 30 * time.Second}
	}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	return e
}

// close ends all tasks where they are and waits for their goroutines.
func (e *engine) close() {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.cancel()
	e.running.Wait()
	if own, ok := e.client.(*http.Transport); ok && e.config.Client == nil {
		own.CloseIdleConnections()
	}
}

// submit starts t, whose ID must be new.
func (e *engine) submit(t *task) error {
	t.created = time.Now()
	t.state = e.protocol.pending
	t.fails = e.draw(e.config.FailRate)
	limit := cmp.Or(e.config.MaxTasks, 10_000)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return errClosed
	}
	for len(e.tasks) >= limit {
		if len(e.settled) == 0 {
			return errBusy
		}
		delete(e.tasks, e.settled[0])
		e.settled = e.settled[1:]
	}
	e.tasks[t.id] = t
	submitted := *t
	e.running.Go(func() {
		e.tell(submitted, Event{Kind: EventSubmitted})
		e.run(t)
	})
	return nil
}

// lookup returns the task as it is now, whoever submitted it.
func (e *engine) lookup(id string) (task, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.tasks[id]
	if t == nil {
		return task{}, false
	}
	return *t, true
}

// run takes t through its states, a fifth of its latency waiting and the rest
// at work, and then calls back.
func (e *engine) run(t *task) {
	defer e.settle(t.id)
	latency := e.config.scaled(e.config.Latency.Of(t.kind))
	if !sleep(e.ctx, latency/5) {
		return
	}
	e.enter(t, e.protocol.processing)
	if !sleep(e.ctx, latency-latency/5) {
		return
	}
	end := e.protocol.success
	if t.fails {
		end = e.protocol.failed
	}
	finished := e.enter(t, end)
	if t.callback != nil {
		e.deliver(finished)
	}
}

// enter puts t into a state and returns it as it then is.
func (e *engine) enter(t *task, state string) task {
	e.mu.Lock()
	t.state = state
	if state == e.protocol.success || state == e.protocol.failed {
		t.completed = time.Now()
	}
	now := *t
	e.mu.Unlock()
	e.tell(now, Event{Kind: EventState})
	return now
}

func (e *engine) settle(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.settled = append(e.settled, id)
}

// draw reports true for a share of its calls.
func (e *engine) draw(share float64) bool {
	if share <= 0 {
		return false
	}
	e.drawing.Lock()
	defer e.drawing.Unlock()
	return e.config.random() < share
}

// tell completes an event of t and hands it to OnEvent.
func (e *engine) tell(t task, event Event) {
	if e.config.OnEvent == nil {
		return
	}
	event.TaskID, event.Model, event.Type, event.State = t.id, t.model, t.kind, t.state
	if t.callback != nil {
		event.Callback = shown(t.callback.url)
	}
	e.telling.Lock()
	defer e.telling.Unlock()
	event.Time = time.Now()
	e.config.OnEvent(event)
}
