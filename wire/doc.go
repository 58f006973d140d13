// Package wire reads what is on the line: frames, headers, dialects, fields with their byte spans. Feed it bytes with
// [Decoder.Stream] and take masked messages; [Decode] reads a single frame.
//
// It must not know where bytes come from: no connections, no clocks, no files.
//
// # Masking
//
// No clear card data leaves this package. A [Message] is made from a scrubbed copy of the frame: digits of a PAN between
// the first six and the last four, and the whole of expiry, tracks, PIN block, keys and sensitive EMV tags, are
// overwritten before the Message exists. Scrubbed nibbles are zeros (so that a scrubbed frame still decodes) and
// [Message.MaskedNibble] tells which they are. Where decoding stops, the rest of the frame is not trusted, and every
// run of twelve or more digits, in ASCII or packed at either nibble alignment, is scrubbed.
package wire
