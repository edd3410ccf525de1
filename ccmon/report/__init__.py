"""Faces without a terminal screen: text and JSON, the only writers to stdout."""
