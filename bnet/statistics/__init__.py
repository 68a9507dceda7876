"""Metrics, comparisons and the part of luck: pure functions on arrays."""
