"""`python -m server`."""

import gc

gc.disable()  # imports make almost no garbage, and looking for it takes a tenth of their time

from server.cli.commands import main  # noqa: E402

gc.enable()
main(prog_name="./recourse")
