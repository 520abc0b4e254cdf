"""The command line of the programs in this folder."""

import argparse


class Parser(argparse.ArgumentParser):
    """Says what is wrong with the options in the manner of ./dev."""

    def __init__(self, **settings):
        super().__init__(allow_abbrev=False, **settings)
        self.bounds, self.letters = [], None
        # ./dev asks with this before it installs what a measurement needs.
        self.add_argument("--parse-only", action="store_true", help=argparse.SUPPRESS)

    def add_load(self, cases, ports):
        """What a measurement by wrk is told; each case's name begins with a letter of its own."""
        self.letters = "".join(name[0] for name, *_ in cases)
        for name, default, low, high, help_text in (
                ("rounds", 5, 1, 1000, "of all cases, in turn"),
                ("seconds", 4, 1, 3600, "of each case in each round"),
                ("connections", 64, 2, 10_000, "that wrk keeps"),
                ("workers", 2, 1, 64, "of each pool"),
                ("port", 18100, 1, 65_536 - ports, f"the first of {ports} free ports")):
            self.add_argument(f"--{name}", type=int, default=default, help=f"{help_text} ({default})")
            self.bounds.append((name, low, high))
        self.add_argument("--cases", default=self.letters, help=f"letters of the cases to run ({self.letters})")

    def parse_args(self, *arguments):
        options = super().parse_args(*arguments)
        for name, low, high in self.bounds:
            if not low <= getattr(options, name) <= high:
                self.error(f"--{name}: {getattr(options, name)} is not from {low} to {high}")
        if self.letters is not None:
            unknown = "".join(sorted(set(options.cases) - set(self.letters)))
            if unknown or not options.cases:
                self.error(f"--cases: no case \"{unknown}\": there are {self.letters}")
        return options

    def error(self, message):
        self.exit(2, f"bench: {message}: see {self.prog} --help\n")
