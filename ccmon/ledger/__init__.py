"""Entries to accounting. Pure: no files, no clock, no terminal."""
