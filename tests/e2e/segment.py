"""The file that the workers of a host share, as fcgi-app/shm/segment.h tells of it."""
import re
import struct
from pathlib import Path

NEWCOMERS = (1, 1)  # id and version, as in fcgi-app/regions.h
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
