"""Session tokens, taken apart and put together by the test's own code."""
import base64
import hashlib
import time

EXPIRY = slice(1, 6)
TAG_BYTES = 16


def decode(token):
    return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))


def encode(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def secret_of(stack):
    """The newest secret of the stack's workers."""
    text = next(stack.base.rglob("*secret")).read_text()
    return bytes.fromhex(next(line for line in text.splitlines() if line[:1] not in ("", "#")))


def signed(head, secret):
    """`head` (version, expiry, random bytes, tenant) with its keyed hash: a genuine token."""
    return encode(head + hashlib.blake2b(head, digest_size=TAG_BYTES, key=secret).digest())


def expiring(token, seconds_from_now, secret):
    """The same session with another end, signed as the system would."""
    head = decode(token)[:-TAG_BYTES]
    expiry = int(time.time() + seconds_from_now).to_bytes(5, "big")
    return signed(head[:1] + expiry + head[6:], secret)
