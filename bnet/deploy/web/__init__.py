"""The page that lets a trained network listen in the reader's browser: its files, and what is put into them."""
