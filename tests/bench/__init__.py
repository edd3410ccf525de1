"""Measurements by hand: `python -m tests.bench.live`."""
