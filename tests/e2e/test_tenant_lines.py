"""sluice export and sluice import: tenants as JSON lines, and back."""
import json
import os
import subprocess

import pytest

from config_text import config_text
from harness import ROOT, SLUICE, Stack
from http_client import Client
from readme import block, run

SHIPPED = ROOT / "conf/sluice.cfg"


def sluice(*arguments, lines=""):
    done = subprocess.run([SLUICE, *map(str, arguments)], text=True, input=lines, capture_output=True,
                          timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


def without_tenants(text):
    return text[:text.index("\ntenants = (") + 1]


def test_the_shipped_tenants_go_out_and_come_back(tmp_path):
    code, lines, errors = sluice("export", "-c", SHIPPED)
    assert (code, errors) == (0, "")
    tenants = [json.loads(line) for line in lines.splitlines()]
    assert tenants[0] == {"id": "acme", "plan": "chat", "limits": {"chat_per_10s": 8}}
    assert tenants[3] == {"id": "log-demo", "plan": "chat",
                          "limits": {"chat": {"algorithm": "sliding_log"}}}

    plans = without_tenants((ROOT / "conf/tenants.cfg").read_text())
    config = tmp_path / "sluice.cfg"
    config.write_text(plans + '@include "list.cfg"\n')
    source = tmp_path / "tenants.jsonl"
    source.write_text(lines)
    assert sluice("import", source, "-c", SHIPPED, "-o", tmp_path / "list.cfg") == (0, "", "")
    code, output, errors = sluice("check", config)
    assert (code, errors) == (0, "") and "ok, 7 tenants" in output
    assert sluice("export", "-c", config) == (0, lines, "")
    # As a pipe, and without a look at the plans.
    assert sluice("import", "-", lines=lines) == (0, (tmp_path / "list.cfg").read_text(), "")


def test_the_commands_of_the_readme_make_a_list(fresh):
    made = [fresh.conf / "tenants.jsonl", fresh.conf / "list.cfg"]
    try:
        assert run(fresh, block("README.md", "build/release/sluice export")) == [""]
        assert [path.read_text().count('"acme"') for path in made] == [1, 1]
    finally:
        for path in made:
            path.unlink(missing_ok=True)


def test_mistakes_are_told_all_at_once_and_nothing_is_written(tmp_path):
    source, made = tmp_path / "t.jsonl", tmp_path / "list.cfg"
    source.write_text('{"id":"acme","plan":"chta"}\n{"id":"globex","limits":{"chat":8}}\nx\n')
    assert sluice("import", source, "-c", SHIPPED, "-o", made) == (
        2, "",
        f'{source}:1: no plan is named "chta"; did you mean "chat"?\n'
        f'{source}:2: "chat" has a quota and no window; use "chat_per_10s" or the like\n'
        f'{source}:2: missing key "plan", or set "default_plan"\n'
        f"{source}:3: is no JSON, at byte 1: an unexpected character\n")
    assert os.listdir(tmp_path) == ["t.jsonl"]


def test_a_file_is_replaced_by_force_only(tmp_path):
    made = tmp_path / "list.cfg"
    made.write_text("mine\n")
    line = '{"id":"acme","plan":"chat"}\n'
    assert sluice("import", "-", "-o", made, lines=line) == (
        2, "", f"{made}: there is such a file; --force replaces it\n")
    assert made.read_text() == "mine\n"
    assert sluice("import", "-", "-o", made, "--force", lines=line) == (0, "", "")
    assert made.read_text().endswith('tenants = (\n  { id = "acme"; plan = "chat"; }\n);\n')
    assert os.listdir(tmp_path) == ["list.cfg"]


@pytest.mark.parametrize("arguments,code,message", [
    (["import", "/no/such.jsonl"], 2, "/no/such.jsonl: cannot be read: No such file or directory\n"),
    (["import", "-"], 2, "standard input: has no tenants; write one a line, as "
                         '{"id":"acme","plan":"chat"}\n'),
    (["export", "-c", "/no/such.cfg"], 2, "/no/such.cfg: cannot be read: No such file or directory\n")])
def test_what_cannot_be_read_is_one_line(arguments, code, message):
    assert sluice(*arguments) == (code, "", message)


def test_full_standard_output_is_1():
    with open("/dev/full", "w") as full:
        done = subprocess.run([SLUICE, "export", "-c", SHIPPED], text=True, stdout=full,
                              stderr=subprocess.PIPE, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, "standard output cannot be written to\n")


def test_an_edited_line_is_enforced_by_every_worker_after_a_reload():
    text = config_text({"acme": "8/10 minutes"})
    with Stack(text, WORKERS="2") as stack:
        code, lines, _ = sluice("export", "-c", stack.config)
        assert code == 0
        made = stack.conf / "list.cfg"
        edited = lines.replace('{"id":"acme","plan":"acme"}',
                               '{"id":"acme","plan":"acme","limits":{"chat_per_10m":12}}')
        assert edited != lines
        assert sluice("import", "-", "-c", stack.config, "-o", made, lines=edited) == (0, "", "")
        stack.config.write_text(without_tenants(text) + '@include "list.cfg"\n')
        assert stack.dev("reload").returncode == 0
        with Client(stack.port1) as one, Client(stack.port2) as two:
            session = one.open_session("acme")
            seen = [client.chat("acme", session).status for client in (one, two) * 6 + (one, two)]
        assert seen == [200] * 12 + [429] * 2
