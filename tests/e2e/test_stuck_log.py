"""A worker whose log nobody reads: it serves on, and says later what was lost."""
import fcntl
import json
import os

import fcgi
from config_text import config_text
from harness import Worker, eventually

FILLING = b"x" * 7 + b"\n"
GARBAGE = b"this is no FastCGI at all"  # each costs a line of the log


class StuckWorker(Worker):
    """Its stderr is a pipe that is full when it starts, and that only read() reads."""

    def stderr(self):
        read_end, write_end = os.pipe()
        os.set_blocking(read_end, False)
        self.reader = os.fdopen(read_end, "rb", buffering=0)
        # A description of its own, as O_NONBLOCK belongs to it: the worker's end must block.
        own = os.open(f"/proc/self/fd/{write_end}", os.O_WRONLY | os.O_NONBLOCK)
        try:
            while True:
                os.write(own, FILLING)
        except BlockingIOError:
            os.close(own)
        self.shared = os.dup(write_end)
        self.log.touch()
        return os.fdopen(write_end, "wb")

    def read(self):
        """The lines that are there."""
        text = b""
        while chunk := self.reader.read(65536):
            text += chunk
        with open(self.log, "ab") as log:
            log.write(text)
        assert text == b"" or text.endswith(b"\n"), text[-200:]
        return text.splitlines(keepends=True)

    def __exit__(self, *outcome):
        try:
            super().__exit__(*outcome)
        finally:
            self.reader.close()
            os.close(self.shared)


def test_a_log_that_nobody_reads_holds_up_no_request_and_its_loss_is_told():
    with StuckWorker("memory://", config_text()) as worker:
        for _ in range(50):
            fcgi.ask(worker.socket, GARBAGE)
            answer = fcgi.ask(worker.socket, fcgi.request(fcgi.params("GET", "/")))
            assert answer.status == 200
        assert set(worker.read()) == {FILLING}
        fcgi.ask(worker.socket, GARBAGE)
        told, line = (json.loads(line) for line in eventually(worker.read))
        assert (told["event"], told["level"]) == ("log lines lost", "warning")
        assert int(told["count"]) == 51, "of garbage, and that the worker started"
        assert line["event"].startswith("gateway sent what is no FastCGI request")
        flags = fcntl.fcntl(worker.shared, fcntl.F_GETFL)
        assert not flags & os.O_NONBLOCK, "others share this description"


def test_a_worker_whose_log_nobody_reads_stops():
    with StuckWorker("memory://", config_text()) as worker:
        worker.process.terminate()
        assert worker.process.wait(15) == 0
        assert set(worker.read()) == {FILLING}
