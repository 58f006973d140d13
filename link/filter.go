package link

import (
	"fmt"

	"golang.org/x/net/bpf"
)

// maxPorts keeps a filter's jumps within their eight bits.
const maxPorts = 32

// accepted is how much of a packet the kernel hands over: all of it.
const accepted = 1 << 18

// filterStep is an instruction with the labels of where to go on; an empty label is the next instruction.
type filterStep struct {
	label   string
	load    bpf.Instruction // or a comparison:
	test    bpf.JumpTest
	value   uint32
	yes, no string
}

// filter is the program that the kernel runs over each packet of an interface, so that other traffic costs nothing: TCP
// from or to one of the ports (all TCP without ports), over IPv4 and IPv6, behind up to two VLAN tags; later fragments of
// TCP packets, which name no port; and ICMP, which says why a host is not reached. On the loopback, where each packet
// passes twice, only the received one counts. ethernet says that packets begin with an Ethernet header, else with IP.
func filter(ports []uint16, ethernet, loopback bool) ([]bpf.RawInstruction, error) {
	if len(ports) > maxPorts {
		return nil, fmt.Errorf("%d ports are too many for one filter: at most %d", len(ports), maxPorts)
	}
	var program []bpf.Instruction
	add := func(steps []filterStep) error {
		at := map[string]int{"": 0, "end": len(steps)}
		for i, s := range steps {
			if s.label != "" {
				at[s.label] = i
			}
		}
		for i, s := range steps {
			if s.load != nil {
				program = append(program, s.load)
				continue
			}
			skip := func(label string) (uint8, error) {
				if label == "" {
					return 0, nil
				}
				n := at[label] - i - 1
				if n < 0 || n > 255 {
					return 0, fmt.Errorf("the filter is too long for a jump to %s", label)
				}
				return uint8(n), nil
			}
			yes, err := skip(s.yes)
			if err != nil {
				return err
			}
			no, err := skip(s.no)
			if err != nil {
				return err
			}
			program = append(program, bpf.JumpIf{Cond: s.test, Val: s.value, SkipTrue: yes, SkipFalse: no})
		}
		return nil
	}
	if loopback {
		const outgoing = 4 // PACKET_OUTGOING
		if err := add([]filterStep{
			{load: bpf.LoadExtension{Num: bpf.ExtType}},
			{test: bpf.JumpEqual, value: outgoing, no: "end"},
			{load: bpf.RetConstant{Val: 0}},
		}); err != nil {
			return nil, err
		}
	}
	bases := []uint32{0}
	if ethernet {
		bases = []uint32{14, 18, 22} // plain, and behind one and two tags
	}
	for _, base := range bases {
		if err := add(packetFilter(ports, base)); err != nil {
			return nil, err
		}
	}
	return bpf.Assemble(append(program, bpf.RetConstant{Val: 0}))
}

// packetFilter looks at an IP packet at an offset. Before it stands its EtherType, unless the offset is 0. What is behind
// a VLAN tag goes on behind these steps.
func packetFilter(ports []uint16, base uint32) []filterStep {
	equal := func(value uint32, yes, no string) filterStep {
		return filterStep{test: bpf.JumpEqual, value: value, yes: yes, no: no}
	}
	var s []filterStep
	if base > 0 {
		s = append(s, filterStep{load: bpf.LoadAbsolute{Off: base - 2, Size: 2}},
			equal(etherIPv4, "v4", ""), equal(etherIPv6, "v6", ""),
			equal(0x8100, "end", ""), equal(0x88A8, "end", ""), equal(0x9100, "end", "reject"))
	} else {
		s = append(s, filterStep{load: bpf.LoadAbsolute{Off: 0, Size: 1}}, filterStep{load: bpf.ALUOpConstant{Op: bpf.ALUOpShiftRight, Val: 4}},
			equal(4, "v4", ""), equal(6, "v6", "reject"))
	}
	match := func(off func(uint32) bpf.Instruction) {
		for _, at := range []uint32{0, 2} {
			s = append(s, filterStep{load: off(at)})
			for _, p := range ports {
				s = append(s, equal(uint32(p), "accept", ""))
			}
		}
		if len(ports) == 0 {
			s = append(s, filterStep{load: bpf.RetConstant{Val: accepted}})
		}
		s = append(s, filterStep{load: bpf.RetConstant{Val: 0}})
	}
	s = append(s, filterStep{label: "v4", load: bpf.LoadAbsolute{Off: base + 9, Size: 1}},
		equal(protoICMP, "accept", ""), equal(protoTCP, "", "reject"),
		filterStep{load: bpf.LoadAbsolute{Off: base + 6, Size: 2}},
		filterStep{test: bpf.JumpBitsSet, value: 0x1FFF, yes: "accept"}, // no first fragment: no ports
		filterStep{load: bpf.LoadMemShift{Off: base}})
	match(func(at uint32) bpf.Instruction { return bpf.LoadIndirect{Off: base + at, Size: 2} })
	s = append(s, filterStep{label: "v6", load: bpf.LoadAbsolute{Off: base + 6, Size: 1}})
	for _, next := range []uint32{protoICM6, 0, 43, 44, 51, 60} { // extension headers: the rare packet is looked at later
		s = append(s, equal(next, "accept", ""))
	}
	s = append(s, equal(protoTCP, "", "reject"))
	match(func(at uint32) bpf.Instruction { return bpf.LoadAbsolute{Off: base + 40 + at, Size: 2} })
	return append(s, filterStep{label: "accept", load: bpf.RetConstant{Val: accepted}}, filterStep{label: "reject", load: bpf.RetConstant{Val: 0}})
}
