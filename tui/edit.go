package tui

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	tea "charm.land/bubbletea/v2"

	"hookloop/inspect"
	"hookloop/replay"
)

// This file edits a body and replays it: a command writes a draft, the editor
// has the terminal, a command reads the draft back and removes it.

// draftMsg is a file that only its owner can read, with a delivery's body.
type draftMsg struct {
	id   int64
	path string
	body []byte // as delivered
	err  error
}

// editorMsg is a draft after its editor has ended.
type editorMsg struct {
	draftMsg
	failed error // of the editor
}

// editedMsg is what became of the body.
type editedMsg struct {
	id   int64
	body []byte
	same bool
	err  error
}

func (m *model) edit() tea.Cmd {
	id, s := m.target(), m.src
	return func() tea.Msg {
		d, err := s.cfg.Store.Delivery(s.ctx, id)
		if err != nil {
			return draftMsg{err: err}
		}
		path, err := writeDraft(d)
		return draftMsg{id: id, path: path, body: d.Body, err: err}
	}
}

// writeDraft puts the body into a file of its own, mode 0600, in a folder of
// its own, mode 0700.
func writeDraft(d *inspect.Delivery) (string, error) {
	dir, err := os.MkdirTemp("", "hookloop-")
	if err != nil {
		return "", fmt.Errorf("cannot make a file to edit: %w", err)
	}
	ext := ".txt"
	switch inspect.View(d.Header, d.Body, false).Kind {
	case inspect.KindJSON:
		ext = ".json"
	case inspect.KindXML:
		ext = ".xml"
	case inspect.KindHTML:
		ext = ".html"
	case inspect.KindBinary:
		ext = ".bin"
	}
	path := filepath.Join(dir, fmt.Sprintf("delivery-%d%s", d.ID, ext))
	if err := os.WriteFile(path, d.Body, 0o600); err != nil {
		_ = os.RemoveAll(dir)
		return "", fmt.Errorf("cannot make a file to edit: %w", err)
	}
	return path, nil
}

// removeDraft removes a draft and its folder; "" is none.
func removeDraft(path string) {
	if path != "" {
		_ = os.RemoveAll(filepath.Dir(path))
	}
}

func (m *model) openEditor(msg draftMsg) tea.Cmd {
	if msg.err != nil {
		m.say(toneBad, "%s", safe(msg.err.Error()))
		return nil
	}
	m.draft = msg.path
	argv := append(append([]string{}, m.cfg.Editor...), msg.path)
	return tea.ExecProcess(exec.Command(argv[0], argv[1:]...), func(err error) tea.Msg {
		return editorMsg{msg, err}
	})
}

// readDraft reads what the editor left and removes it.
func (s source) readDraft(msg editorMsg) tea.Cmd {
	return func() tea.Msg {
		defer removeDraft(msg.path)
		if msg.failed != nil {
			return editedMsg{err: fmt.Errorf("the editor failed (%w)", msg.failed)}
		}
		body, err := os.ReadFile(msg.path)
		if err != nil {
			return editedMsg{err: err}
		}
		body = replay.TrimEditorNewline(msg.body, body)
		return editedMsg{id: msg.id, body: body, same: bytes.Equal(body, msg.body)}
	}
}

func (m *model) edited(msg editedMsg) tea.Cmd {
	switch {
	case msg.err != nil:
		m.say(toneWarn, "Nothing was sent: %s", safe(msg.err.Error()))
		return nil
	case msg.same:
		m.ask.confirm(fmt.Sprintf("The body of #%d is unchanged. Send it anyway?", msg.id), func() tea.Cmd {
			return m.src.replay(msg.id, replay.Options{})
		})
		return nil
	}
	m.detail.chosen = 0
	m.say(toneInfo, "Replaying #%d with the edited body (%s) …", msg.id, FormatSize(int64(len(msg.body))))
	return m.src.replay(msg.id, replay.Options{Edited: true, Body: msg.body})
}
