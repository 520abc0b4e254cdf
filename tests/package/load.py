"""Requests without a pause, until told to end by SIGTERM; then one line of JSON: how they went.

Each request has a connection of its own: nginx may close an idle one of a client's when it is
reloaded, which is for a client to repeat and no fault of a worker's.
"""
import collections
import http.client
import json
import signal
import sys
import threading
import time

THREADS = 8
GOOD = {200, 429}
ended = threading.Event()


def ask(port, body, headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST" if body else "GET", "/chat" if body else "/", body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    except OSError as error:
        return f"{type(error).__name__}: {error}"
    except http.client.HTTPException as error:
        return type(error).__name__
    finally:
        connection.close()


def work(port, session, said, slowest):
    chat = json.dumps({"tenant_id": "acme", "session_id": session, "message": "load"})
    headers = {"Content-Type": "application/json", "X-Tenant-ID": "acme", "X-Session-ID": session}
    for turn in range(sys.maxsize):
        if ended.is_set():
            return
        begun = time.monotonic()
        said[ask(port, chat if turn % 4 else "", headers)] += 1
        slowest[0] = max(slowest[0], time.monotonic() - begun)


def main():
    port, session = int(sys.argv[1]), sys.argv[2]
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    all_said = [(collections.Counter(), [0.0]) for _ in range(THREADS)]
    threads = [threading.Thread(target=work, args=(port, session, *said)) for said in all_said]
    for thread in threads:
        thread.start()
    while not ended.wait(0.2):
        pass
    for thread in threads:
        thread.join()
    said = sum((counter for counter, _ in all_said), collections.Counter())
    failed = sum(count for answer, count in said.items() if answer not in GOOD)
    print(json.dumps({"requests": sum(said.values()), "failed": failed,
                      "slowest_s": round(max(slowest[0] for _, slowest in all_said), 2),
                      "answers": {str(answer): count for answer, count in said.items()}}))
    return 1 if failed or not said else 0


sys.exit(main())
