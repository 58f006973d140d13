package tui

// Trainer is the simulator's faults, to be changed while it runs.
type Trainer interface{}

func (m *Model) untrained() string { return m.t("why.nosim") }
func (m *Model) openTrainer()      {}
