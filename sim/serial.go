package sim

import (
	"context"
	"errors"

	"tillscope/link"
)

func (s *Store) runSerial(ctx context.Context, sink func(link.Event)) error {
	return errors.New("no serial line yet")
}
