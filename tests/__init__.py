"""Tests: unit, property, golden, tui, e2e, hygiene."""
