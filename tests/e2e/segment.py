"""The file that the workers of a host share, as fcgi-app/shm/segment.h tells of it."""
import re
import struct
from pathlib import Path

# Id and version, as in fcgi-app/policy/regions.h.
NEWCOMERS = (1, 1)
COUNTERS = (2, 3)
HEAD_BYTES = 4096
PATH = re.compile(r"/dev/shm/sluice-[0-9a-f]{16}$", re.MULTILINE)


def file_of(pid):
    """The one that a worker has mapped; None if it has none."""
    found = PATH.search(Path(f"/proc/{pid}/maps").read_text())
    return found and Path(found[0])


def region(path, id_and_version):
    """Offset and size of a region."""
    with open(path, "rb") as file:
        mark, *directory = struct.unpack(f"<8s{HEAD_BYTES // 8 - 1}Q", file.read(HEAD_BYTES))
    assert mark == b"sluice\1\0", mark
    offset = HEAD_BYTES
    for entry in directory:
        size = (entry >> 32) * 64
        if (entry & 0xffff, entry >> 16 & 0xffff) == id_and_version:
            return offset, size
        offset += size
    raise AssertionError(f"{path} has no region {id_and_version}")


class Slots:
    """What workers have counted, as fcgi-app/telemetry/counters.h tells of it."""

    NAMES, NAME_WORDS = 128, 24
    HEAD_WORDS = 3 * NAMES * NAME_WORDS + NAMES
    WORDS = 1216
    TOTALS = ("on_store_error", "barred", "crowded", "units", "store_decisions", "script_sent")
    OUTCOMES = ("allowed", "denied", "refused", "failed", "unfinished")
    FIRST_ROUTE = 48

    def __init__(self, path):
        offset, size = region(path, COUNTERS)
        memory = path.read_bytes()[offset:offset + size]
        words = struct.unpack(f"<{size // 8}Q", memory)
        self.slots = [words[at:at + self.WORDS]
                      for at in range(self.HEAD_WORDS, len(words), self.WORDS)]
        self.routes = {"other": self.NAMES}
        for number in range(self.NAMES):
            at = number * self.NAME_WORDS
            if length := words[at + 1]:
                self.routes[memory[8 * at + 16:8 * at + 16 + length].decode()] = number

    def owners(self):
        """Pids of the workers that have a slot."""
        return {slot[0] & (1 << 22) - 1 for slot in self.slots if slot[0]}

    def that_counted(self):
        """How many slots a request was counted in."""
        return sum(any(slot[self.FIRST_ROUTE:]) for slot in self.slots)

    def total(self, name):
        return sum(slot[1 + self.TOTALS.index(name)] for slot in self.slots)

    def requests(self, route=None, outcome=None):
        """All, or those of a route, of an outcome, or of both. What matches no route is of "other". A route
        that nobody asked for has no number yet."""
        routes = [number for name, number in self.routes.items() if route in (None, name)]
        outcomes = self.OUTCOMES if outcome is None else [outcome]
        return sum(slot[self.FIRST_ROUTE + r * len(self.OUTCOMES) + self.OUTCOMES.index(o)]
                   for slot in self.slots for r in routes for o in outcomes)
