package link

import (
	"bytes"
	"fmt"
)

// otherForms are files that people take for captures, known by their first bytes, and what makes one of those that can be
// read of them.
var otherForms = []struct{ begins, what, remedy string }{
	{"\x28\xB5\x2F\xFD", "compressed with zstd", "`zstd -dc %s | tillscope open -`"},
	{"\xFD7zXZ\x00", "compressed with xz", "`xz -dc %s | tillscope open -`"},
	{"BZh", "compressed with bzip2", "`bzip2 -dc %s | tillscope open -`"},
	{"PK\x03\x04", "a zip archive", "`unzip -p %s | tillscope open -`"},
	{"Rar!", "a rar archive", "unpack %s and name the capture in it"},
	{"7z\xBC\xAF\x27\x1C", "a 7z archive", "unpack %s and name the capture in it"},
	{"snoop\x00", "a capture of Solaris snoop", "`editcap -F pcapng %s new.pcapng`, which comes with Wireshark"},
	{"GMBU", "a capture of Microsoft Network Monitor", "`editcap -F pcapng %s new.pcapng`, which comes with Wireshark"},
	{"\x34\xCD\xB2\xA1", "a capture in an old form of pcap", "`editcap -F pcapng %s new.pcapng`, which comes with Wireshark"},
	{"\xA1\xB2\xCD\x34", "a capture in an old form of pcap", "`editcap -F pcapng %s new.pcapng`, which comes with Wireshark"},
}

// otherForm says what a file is instead of a capture that can be read, and what to do, or is nil.
func otherForm(name string, head []byte) error {
	for _, f := range otherForms {
		if bytes.HasPrefix(head, []byte(f.begins)) {
			return fmt.Errorf("%s is %s: %s", name, f.what, fmt.Sprintf(f.remedy, name))
		}
	}
	return nil
}
