package cli

import (
	"fmt"
	"io"
	"net"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes commands of what scripts and tests need as processes of their own: the program itself, tillscope, and a
// bank, which says where it listens and ends with its standard input.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"tillscope": func() { os.Exit(Main()) },
		"bank": func() {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				panic(err)
			}
			talks := make([]*talk, terminals)
			for i := range talks {
				talks[i] = newTalk(i)
			}
			fmt.Println(l.Addr())
			go bank(l, talks, func(what ...any) { panic(fmt.Sprint(what...)) })
			_, _ = io.Copy(io.Discard, os.Stdin)
		},
	})
}
