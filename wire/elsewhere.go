package wire

// otherForms is how many frames of a line that were not understood are tried as something else: enough to know.
const otherForms = 12

// elsewhere is the form in which a frame reads well that does not fit its line, as framing/header/dialect; empty when there is
// none. It has to be asked here, before the bytes are masked: a hidden digit fits nowhere. A frame that was damaged may seem to
// fit once: only where most that are not understood agree on one form is it somebody's.
func (d *Decoder) elsewhere(b []byte) string {
	here := d.Detection().form()
	if d.tried < otherForms {
		d.tried++
		m, det, err := Decode(b, Options{})
		form := det.form()
		switch {
		case err != nil || m.Undecoded() || m.Stop != nil || m.Trailing > 0 || det.Confidence < 0.5:
			return ""
		case form == here, det.Framing == "none" || det.Header == unknownHeader:
			return "" // a damaged length looks like none, and like bytes in front that nobody knows
		case form == d.other:
			d.fitted++
		case d.fitted > 0:
			d.fitted--
			return ""
		default:
			d.other, d.fitted = form, 1
		}
	}
	if d.fitted < 2 || d.fitted*2 <= d.tried || d.other == here {
		return ""
	}
	return d.other
}

func (d Detection) form() string { return d.Framing + "/" + d.Header + "/" + d.Dialect }
