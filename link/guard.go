package link

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
)

// attempt gives an event to the sink. When the sink panics it answers where and why, in words that cannot hold what passed
// on the line: a runtime error's text has numbers of places only, of anything else the type alone is named.
func attempt(sink func(Event), ev Event) (failed string) {
	defer func() {
		if r := recover(); r != nil {
			failed = "the analysis failed " + Failure(r)
		}
	}()
	sink(ev)
	return ""
}

// Failure says where and why a panic was, from within the deferred function that recovers it.
func Failure(r any) string { return fmt.Sprintf("at %s: %s", place(), reason(r)) }

func reason(r any) string {
	var err runtime.Error
	if e, ok := r.(error); ok && errors.As(e, &err) {
		return err.Error()
	}
	return fmt.Sprintf("%T", r)
}

// place is the source line that panicked: the first below the runtime's own.
func place() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	panicked := false
	for {
		f, more := frames.Next()
		switch inside := strings.HasPrefix(f.Function, "runtime."); {
		case inside:
			panicked = panicked || f.Function == "runtime.gopanic"
		case panicked:
			return fmt.Sprintf("%s/%s:%d", filepath.Base(filepath.Dir(f.File)), filepath.Base(f.File), f.Line)
		}
		if !more {
			return "an unknown place"
		}
	}
}
