"""A clock that stands still until a test moves it, for a Redis to live by."""
import shutil
import tempfile
from pathlib import Path

from harness import eventually

START = 1_800_000_000_123_456  # any moment will do


class VirtualClock:
    """Microseconds since the epoch, in a file that libfaketime reads whenever a program asks.

    Only the wall clock is virtual: timers and time-outs go by the monotonic one, which is real.
    """

    def __init__(self, now=START):
        self.directory = Path(tempfile.mkdtemp(prefix="sluice-t-", dir="/tmp"))
        self.file = self.directory / "now"
        self.now = 0
        self.move_to(now)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def environment(self):
        """What makes a program live by this clock."""
        return {
            # jemalloc, which Debian's Redis is linked to, asks for the time before it can allocate,
            # and libfaketime allocates before it can tell: together they hang at the start
            # (libfaketime issue 130). So malloc() is libc's.
            "LD_PRELOAD": "/usr/$LIB/faketime/libfaketime.so.1:libc.so.6",
            "FAKETIME_TIMESTAMP_FILE": str(self.file), "FAKETIME_NO_CACHE": "1",
            "FAKETIME_FMT": "%s", "TZ": "UTC",
            # One of these is of newer versions, the other of older ones.
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}

    def move_to(self, now, *followers):
        """Forward only. Each Redis client of `followers` tells the new time when this returns."""
        assert now >= self.now, (now, self.now)
        self.now = now
        seconds, microseconds = divmod(now, 1_000_000)
        following = self.file.with_suffix(".next")  # nobody may read half of it
        # libfaketime reads a floating-point number and cuts it off: hence half a microsecond more.
        following.write_text(f"{seconds}.{microseconds:06}500\n")
        following.replace(self.file)
        for redis in followers:
            eventually(lambda: redis.time() == (seconds, microseconds), every=0)

    def time(self):
        """Of Python's time module, by this clock."""
        return self.now / 1_000_000
