package sim

// Hosts beside UnionPay's know no field 60. What a foreign terminal leaves out there, the other fields of ISO 8583 say.

// kind is the type of a transaction, in the numbers of 60.1, empty when nobody can tell.
func (p parcel) kind() string {
	if f60 := p.f[60]; len(f60) >= 2 {
		return f60[:2]
	}
	f3 := p.f[3]
	if p.c.dialect == "cup" || len(f3) < 2 {
		return ""
	}
	switch p.mti + f3[:2] {
	case "010000", "010003":
		return "10"
	case "010020", "010002":
		return "11"
	case "020000", "020001":
		return "22"
	case "020020", "020002":
		return "23"
	case "020030", "020031":
		return "01"
	case "022000":
		return "30"
	case "022020":
		return "25"
	}
	return ""
}

// network is the network management code, as 60.3 says it.
func (p parcel) network() string {
	if f60 := p.f[60]; len(f60) >= 11 {
		return f60[8:11]
	}
	if p.f[70] != "" {
		return p.f[70]
	}
	return map[string]string{"801": "001", "802": "002", "831": "301"}[p.f[24]]
}

// undoes is the trace number of what a reversal is about: its own, or that in what it says of the original.
func (p parcel) undoes(known func(string) bool) string {
	own := p.f[11]
	if known(own) {
		return own
	}
	if f90 := p.f[90]; len(f90) >= 10 {
		return f90[4:10]
	}
	switch f56 := p.f[56]; {
	case p.c.version == '1' && len(f56) >= 10:
		return f56[4:10]
	case p.c.version == '2' && len(f56) >= 16:
		return f56[10:16]
	}
	return own
}
