package diagnostics

// statementFacts tells what the acquirer's statement shows.
func (s *Session) statementFacts(f *Facts) {}

// Statement is the acquirer's settlement statement.
type Statement struct{}
