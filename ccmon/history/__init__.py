"""Every transcript ever, not only the live ones: fast scan, index, what the past adds up to."""

INDEX_FILE = "history.sqlite"
"""The index in ccmon's cache folder: named here for those that only look whether there is one."""
