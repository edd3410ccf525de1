"""Every transcript ever, not only the live ones: fast scan, index, what the past adds up to."""
