"""Do the paper's claims hold? Claims, differences between its sources and later systems, as rows of data."""
