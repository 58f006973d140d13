package link

import "strings"

// Words and arrows for the two directions as a terminal's log has them. In a host's log they mean the reverse: of a message
// that is understood, its type says which way it went.
var (
	directions = dirWords("send sends sending sent tx txd snd write writes writing written wrote request req out outgoing outbound enviado enviada enviando senden gesendet",
		"recv receive receives receiving received rcv rcvd rx rxd read reads reading response resp rsp reply in incoming inbound recibido recebido recebida empfangen")
	directionSigns = []struct {
		sign string
		dir  Dir
	}{{"发送", ToHost}, {"发出", ToHost}, {"发往", ToHost}, {"上送", ToHost}, {"上行", ToHost}, {"请求", ToHost}, {"→", ToHost},
		{"接收", ToTerminal}, {"收到", ToTerminal}, {"返回", ToTerminal}, {"应答", ToTerminal}, {"响应", ToTerminal}, {"下行", ToTerminal}, {"下发", ToTerminal}, {"←", ToTerminal}}
)

// dirWords are words for a direction, and with what programs add to them: sendData, recvfrom, tx_buf.
func dirWords(out, in string) map[string]Dir {
	all := map[string]Dir{}
	for dir, words := range []string{out, in} {
		for _, w := range strings.Fields(words) {
			all[w] = Dir(dir)
			if len(w) > 3 || w == "tx" || w == "rx" || w == "req" || w == "rsp" {
				for _, more := range strings.Fields("to from msg message data buf buffer pack packet frame hex iso") {
					all[w+more] = Dir(dir)
				}
			}
		}
	}
	return all
}

const longestWord = 16

// directionOf reads the direction from what stands around the hex: the first word or arrow counts. behind is where it ends.
func directionOf(s string) (dir Dir, behind int, ok bool) {
	worded := false // a word has come
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case letter(c):
			n := 1
			for i+n < len(s) && letter(s[i+n]) {
				n++
			}
			if n <= longestWord {
				if dir, ok = directions[strings.ToLower(s[i:i+n])]; ok {
					return dir, i + n, true
				}
			}
			worded = true
			i += n - 1
		case c == '>' && (!worded || i > 0 && strings.IndexByte("-=>", s[i-1]) >= 0):
			return ToHost, i + 1, true
		case c == '<' && (!worded || i+1 < len(s) && strings.IndexByte("-=<", s[i+1]) >= 0):
			return ToTerminal, i + 1, true
		case c >= 0x80:
			for _, x := range directionSigns {
				if strings.HasPrefix(s[i:], x.sign) {
					return x.dir, i + len(x.sign), true
				}
			}
		default:
			worded = worded || isWord(c)
		}
	}
	return 0, 0, false
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
