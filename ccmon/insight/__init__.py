"""What the accounting means: pure functions over requests."""
