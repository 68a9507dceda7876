"""Runs and their records: planned, done one by one, side by side or on a cluster."""
