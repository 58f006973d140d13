package wire

// otherForms is how many frames of a line that were not understood are tried as something else: enough to know.
const otherForms = 12

// elsewhere is the form in which a frame reads well that does not fit its line, as framing/header/dialect; empty when there is
// none. It has to be asked here, before the bytes are masked: a hidden digit fits nowhere.
func (d *Decoder) elsewhere(b []byte) string {
	if d.tried >= otherForms {
		if d.fitted*2 > d.tried {
			return d.other
		}
		return ""
	}
	d.tried++
	m, det, err := Decode(b, Options{})
	here := d.Detection()
	if err != nil || m.Undecoded() || m.Stop != nil || m.Trailing > 0 || det.Confidence < 0.5 ||
		det.Framing == here.Framing && det.Header == here.Header && det.Dialect == here.Dialect {
		return ""
	}
	d.fitted++
	d.other = det.Framing + "/" + det.Header + "/" + det.Dialect
	return d.other
}
