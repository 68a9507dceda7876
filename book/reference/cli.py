# %% [markdown]
# # The command line
#
# Every command as the program itself explains it: this page is made from the program, so it is never out of date. Results go
# to standard output, messages to standard error. Exit status 0: done; 1: a check found something; 2: it can't be
# done, with one message that says what to do.

# %% tags=["remove-input"]
from bnet.book import myst, reference
from bnet.cli import app

myst.text(reference.commands(app))
