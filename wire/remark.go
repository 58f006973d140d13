package wire

import (
	"fmt"

	"tillscope/assets"
)

// Remark is something to say about bytes, in whatever language is asked for.
type Remark struct {
	key  string // wire.* in the languages
	args []any
}

func remark(key string, args ...any) Remark { return Remark{"wire." + key, args} }

// In is the remark in a language, empty when there is none.
func (r Remark) In(l *assets.Lang) string {
	if r.key == "" {
		return ""
	}
	args := make([]any, len(r.args))
	for i, a := range r.args {
		if inner, ok := a.(Remark); ok {
			a = inner.In(l)
		}
		args[i] = a
	}
	return l.T(r.key, args...)
}

// String is the remark in English.
func (r Remark) String() string {
	en, err := assets.Language(assets.Languages[0])
	if err != nil {
		return fmt.Sprint(r.key, r.args)
	}
	return r.In(en)
}

// None says that there is nothing to say.
func (r Remark) None() bool { return r.key == "" }
