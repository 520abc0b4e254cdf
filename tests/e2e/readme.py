"""The code blocks of all README files, and a shell that runs them as they stand."""
import os
import re
import subprocess

from harness import PRESET, ROOT

FILES = sorted(str(path.relative_to(ROOT)) for pattern in ("*.md", "*/README.md", "*/*/README.md")
               for path in ROOT.glob(pattern)
               if path.name != "CHANGELOG.md" and "build" not in path.parts)


def blocks(file):
    return blocks_of((ROOT / file).read_text())


def blocks_of(text):
    """Its indented blocks, which an empty line ends, and its fenced ones."""
    found, lines, fenced = [], [], False
    for line in [*text.splitlines(), "end"]:
        if line.startswith("```"):
            fenced = not fenced
        elif fenced:
            lines.append(line)
            continue
        elif line.startswith("    "):
            lines.append(line[4:])
            continue
        if lines:
            found.append("\n".join(lines).strip("\n"))
        lines = []
    return found


def block(file, start):
    """The one block of the file that begins so."""
    text, = [text for text in blocks(file) if text.startswith(start)]
    return text


def in_place_of(stack, text):
    """The one rule by which a command is changed: a stack's ports, folder and build instead of those
    of ./dev up."""
    for old, new in ((r"\b8003\b", str(stack.port1)), (r"\b8004\b", str(stack.port2)),
                     (r"(?:\$PWD/)?\.run/", f"{stack.run_dir}/"), (r"\bconf/", f"{stack.conf}/"),
                     (r"\bbuild/release/", f"{ROOT}/build/{PRESET}/")):
        text = re.sub(old, new, text)
    return text


def run(stack, *texts, check=True):
    """As shell(), with the ports, folder and build of a stack."""
    return shell(*[in_place_of(stack, text) for text in texts], check=check)


def shell(*texts, check=True):
    """Runs blocks in one shell, which ends at the first command that fails. What each has printed."""
    mark = "--- end of a block ---"
    script = "set -eo pipefail\n" + f"\necho '{mark}'\n".join(texts)
    outer = {name: value for name, value in os.environ.items()
             if name not in ("RATE_LIMIT_STORAGE_URI", "SLUICE_SECRET_FILE", "SLUICE_SECRETS")}
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, env=outer, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
    assert not check or done.returncode == 0, done.stdout
    return [part.strip("\n") for part in done.stdout.split(mark)]
