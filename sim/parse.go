package sim

import "tillscope/assets"

// parse reads one scenario. Errors name file, line and reason.
func parse(name string, b []byte) (Scenario, error) {
	var s Scenario
	file, err := assets.ReadYAML(name, b, &s)
	if err != nil {
		return s, err
	}
	if err := s.check(); err != nil {
		return s, file.Place(err)
	}
	return s, nil
}
