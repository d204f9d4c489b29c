"""Images from encoded bytes to pixels: header, limit, decoding."""
