package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"
)

// coalesce lets one wheel turn through every 16 ms: a wheel sends dozens, and each costs a whole Update and View.
func coalesce() func(tea.Model, tea.Msg) tea.Msg {
	var last time.Time
	return func(_ tea.Model, msg tea.Msg) tea.Msg {
		switch msg.(type) {
		case tea.MouseMotionMsg:
			return nil
		case tea.MouseWheelMsg:
			if now := time.Now(); now.Sub(last) < 16*time.Millisecond {
				return nil
			} else {
				last = now
			}
		}
		return msg
	}
}

// point does what a click or the wheel means: the region under it takes the focus, the row under it the cursor, a row that
// has it already opens.
func (m *Model) point(msg tea.MouseMsg) tea.Cmd {
	at := msg.Mouse()
	_, wheel := msg.(tea.MouseWheelMsg)
	switch _, asks := m.dialog.(*question); {
	case m.dialog != nil && wheel && !asks: // a list in it moves, as by its keys
		code := tea.KeyDown
		if at.Button == tea.MouseWheelUp {
			code = tea.KeyUp
		}
		return m.dialog.update(m, tea.KeyPressMsg{Code: code})
	case m.dialog != nil || m.typing:
		return nil
	}
	if !wheel {
		m.notice = ""
	}
	for _, p := range m.at.panes {
		if !p.holds(at.X, at.Y) {
			continue
		}
		m.focus = p.region
		if wheel {
			by := 3
			if at.Button == tea.MouseWheelUp {
				by = -3
			}
			m.panes[p.region].move(m, by)
			return nil
		}
		_, high := p.inner()
		if c, ok := m.panes[p.region].(clickable); ok && at.Y > p.y && at.Y <= p.y+high { // not on its border
			c.click(m, at.X-p.x-1, at.Y-p.y-1)
		}
	}
	return nil
}

// clickable is a region whose rows can be chosen. row counts from the first one in sight, col from the left border.
type clickable interface{ click(m *Model, col, row int) }
