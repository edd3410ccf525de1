"""Files to entries: find, tail, decode and watch transcripts. Knows bytes, no totals."""
