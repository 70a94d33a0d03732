"""`python -m server`."""

import gc

gc.disable()  # importing makes next to no garbage, and to look for it takes a tenth of the time

from server.cli.commands import main  # noqa: E402

gc.enable()
main(prog_name="./recourse")
