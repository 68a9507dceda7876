"""The embedded corpus: dance tunes rendered from scores."""
