"""The book: its pages, how they are executed, built and checked, and what they print."""
