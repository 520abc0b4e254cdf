"""The command line of the programs in this folder."""

import argparse


class Parser(argparse.ArgumentParser):
    """Says what is wrong with the options in the manner of ./dev."""

    def __init__(self, **settings):
        super().__init__(allow_abbrev=False, **settings)
        # ./dev asks with this before it installs what a measurement needs.
        self.add_argument("--parse-only", action="store_true", help=argparse.SUPPRESS)

    def error(self, message):
        self.exit(2, f"bench: {message}: see {self.prog} --help\n")
