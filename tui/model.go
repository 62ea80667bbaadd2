package tui

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"hookloop/inspect"
)

// The rules of this package's interface:
//
//   - model is the only tea.Model. Its parts (header, list, detail, pager,
//     ask) are structs with methods that change them at once and a Render.
//   - Update only dispatches, and does no I/O: commands read and act, and say
//     in a message what came of it.
//   - A command never touches the model. It gets copies or what never changes.

// model is the whole interface.
type model struct {
	cfg  Config
	src  source
	stop func() // ends the watch
	t    *theme

	width, height int
	plan          plan
	now           time.Time // as of the last wake; nothing drawn reads the clock

	header header
	list   list
	detail detail
	ask    ask
	inside bool // the keys go to the detail
	help   bool
	helpAt int

	at      position // what the list has read
	listing bool     // a new list is being read
	paging  bool     // a page is being read
	loaded  bool     // a first list has come
	reading bool     // a detail is being read
	stale   bool     // and is out of date already
	resume  bool     // follow again when the detail is left
	finding context.CancelFunc
	replays replays

	draft    string // file that is being edited; "" for none
	message  message
	notice   string
	storeErr string // why the store cannot be read; "" when it can
}

// A message is what the last line says until it is old or a key is pressed.
type message struct {
	text  string
	tone  tone
	until time.Time // zero: until the next key
}

func newModel(ctx context.Context, c Config) *model {
	m := &model{cfg: c, t: newTheme(true), now: time.Now(), notice: c.Notice}
	m.src = source{ctx: ctx, cfg: &m.cfg, sims: &tracker{}}
	m.list.follow = true
	m.src.signal, m.stop = c.Store.Watch()
	return m
}

// close ends the watch on the store and removes a draft whose editor did not
// come back.
func (m *model) close() {
	m.stop()
	removeDraft(m.draft)
}

// Init reads the list and begins to wait for changes.
func (m *model) Init() tea.Cmd {
	return tea.Batch(tea.RequestBackgroundColor, m.relist(false), m.src.sync(m.at))
}

// Update dispatches.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	cmd := m.dispatch(msg)
	m.arrange()
	return m, tea.Batch(cmd, m.fill())
}

func (m *model) dispatch(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.BackgroundColorMsg:
		return m.retheme(msg.IsDark())
	case tea.KeyPressMsg:
		return m.press(msg)
	case tea.PasteMsg:
		return m.paste(msg)
	case wakeMsg:
		return m.src.sync(m.position())
	case syncedMsg:
		return m.synced(msg)
	case listedMsg:
		m.listed(msg)
	case pageMsg:
		m.paged(msg)
	case detailMsg:
		m.detailed(msg)
	case docMsg:
		m.built(msg)
	case foundMsg:
		m.found(msg)
	case sayMsg:
		m.say(msg.tone, "%s", msg.text)
	case deletedMsg:
		return m.deleted(msg)
	case copyMsg:
		return m.copied(msg)
	case replayedMsg:
		return m.replayed(msg)
	case begunMsg:
		return m.begun(msg)
	case simulatedMsg:
		m.simulated(msg)
	case checkedMsg:
		m.checked(msg)
	case forecastMsg:
		m.askSigning(msg)
	case failedMsg:
		m.askReplays(msg)
	case draftMsg:
		return m.openEditor(msg)
	case editorMsg:
		return m.src.readDraft(msg)
	case editedMsg:
		m.draft = ""
		return m.edited(msg)
	}
	return nil
}

func (m *model) position() position {
	at := m.at
	at.rows, at.tail = len(m.list.rows), m.list.atNewest
	return at
}

// relist begins a new list, from its newest end or its oldest.
func (m *model) relist(oldest bool) tea.Cmd {
	m.at.gen++
	m.listing, m.paging = true, false
	return m.src.list(m.at, oldest)
}

func (m *model) listed(msg listedMsg) {
	if msg.at.gen != m.at.gen {
		return
	}
	m.listing = false
	if msg.err != nil {
		m.failStore(msg.err)
		return
	}
	m.at.rev, m.loaded, m.storeErr = msg.at.rev, true, ""
	m.list.replace(msg.rows, msg.oldest || msg.done, !msg.oldest || msg.done)
	if msg.oldest {
		m.list.oldest()
	}
}

// synced takes what changed and waits for more. Under load the pause grows
// with what a read costs, so that reading never takes most of a processor.
func (m *model) synced(msg syncedMsg) tea.Cmd {
	m.now = msg.vitals.now
	pause := max(frame, 2*msg.took)
	if msg.err != nil {
		m.failStore(msg.err)
		return m.src.wait(tick)
	}
	m.storeErr = ""
	v := msg.vitals
	m.header.tunnel, m.header.health, m.header.losing, m.header.counters, m.notice = v.tunnel, v.health, v.losing, v.counters, v.notice
	if !m.message.until.IsZero() && m.now.After(m.message.until) {
		m.message = message{}
	}
	m.list.take(msg.sims)
	if msg.at.gen == m.at.gen && !m.listing {
		m.take(msg)
	}
	if sim := chosenSimulation(m.detail.sims, m.detail.sim); sim != nil && sim.State == inspect.SimulationRunning {
		m.detail.built[tabSimulations] = false // it counts down
	}
	if msg.more {
		return m.src.sync(m.position())
	}
	return m.src.wait(pause)
}

func (m *model) take(msg syncedMsg) {
	m.at.rev = msg.at.rev
	for _, c := range msg.changes {
		m.list.apply(c, m.at.query == "")
		m.touch(c)
	}
	if msg.replace {
		m.list.replace(msg.rows, msg.done, true)
		m.stale = m.stale || len(msg.changes) == 0 // then it is not known what changed
	}
}

// touch notes that the delivery shown has changed or gone.
func (m *model) touch(c inspect.Changes) {
	for _, s := range c.Deliveries {
		if s.ID == m.detail.want {
			m.stale = true
		}
	}
	for _, id := range c.Removed {
		if id == m.detail.want {
			m.leave()
			m.detail.clear()
		}
	}
}

func (m *model) paged(msg pageMsg) {
	if msg.gen != m.at.gen {
		return
	}
	m.paging = false
	switch {
	case msg.err != nil:
		m.failStore(msg.err)
	case msg.older:
		m.list.older(msg.rows, msg.done)
	default:
		m.list.newer(msg.rows, msg.done)
	}
}

func (m *model) failStore(err error) {
	if m.src.ctx.Err() == nil {
		m.storeErr = safe(err.Error())
	}
}

func (m *model) retheme(dark bool) tea.Cmd {
	m.t = newTheme(dark)
	m.stale = true // docs hold styles
	return nil
}
