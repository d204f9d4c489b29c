"""Images from encoded bytes to pixels: header, pixel limit, decoding."""
