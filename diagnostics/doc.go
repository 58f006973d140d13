// Package diagnostics finds out what went wrong: a [Session] takes the events of a source, has every line decoded, pairs
// the messages into exchanges and transactions (ledger), weighs what they show (evidence), walks the decision tree of
// assets/tree.yaml and names causes (verdict). [Session.Snapshot] gives what is known at any moment, [NewReport] writes it
// down.
//
// It must not know of screens, and nothing of the simulator: a fault is found from the bytes alone.
package diagnostics
