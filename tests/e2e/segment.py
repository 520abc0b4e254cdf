"""The file that the workers of a host share, as fcgi-app/shm/segment.h tells of it."""
import re
import struct
from pathlib import Path

# Id and version, as in fcgi-app/regions.h.
NEWCOMERS = (1, 1)
COUNTERS = (2, 1)
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

    WORDS = 136
    TOTALS = ("on_store_error", "barred", "crowded", "units")
    ROUTES = ("status", "live", "ready", "limits", "session", "session-end", "chat")
    OUTCOMES = ("allowed", "denied", "refused", "failed", "unfinished")

    def __init__(self, path):
        offset, size = region(path, COUNTERS)
        words = struct.unpack(f"<{size // 8}Q", path.read_bytes()[offset:offset + size])
        self.slots = [words[at:at + self.WORDS] for at in range(0, len(words), self.WORDS)]

    def owners(self):
        """Pids of the workers that have a slot."""
        return {slot[0] & (1 << 22) - 1 for slot in self.slots if slot[0]}

    def that_counted(self):
        """How many slots a request was counted in."""
        return sum(any(slot[8:]) for slot in self.slots)

    def total(self, name):
        return sum(slot[1 + self.TOTALS.index(name)] for slot in self.slots)

    def requests(self, route=None, outcome=None):
        """All, or those of a route, of an outcome, or of both. Route "" is all others."""
        routes = range(16) if route is None else [self.ROUTES.index(route) if route else 15]
        outcomes = range(8) if outcome is None else [self.OUTCOMES.index(outcome)]
        return sum(slot[8 + 8 * r + o] for slot in self.slots for r in routes for o in outcomes)
