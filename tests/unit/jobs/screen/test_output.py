"""The output of a call: plain lines without a terminal; on one, lines above bars."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from uscl.base.text import LONGEST_LINE, wrapped

ROOT = Path(__file__).parents[4]
# A call that shows a line, a job that writes to standard error, and the end of the call.
CALL = """
import subprocess, sys, time
from rich.text import Text
from uscl.jobs.screen.output import Output

output = Output(lambda: Text("BAR simclr on pocus"))
output.write("first line")
subprocess.run([sys.executable, "-c", "import sys; sys.stderr.write('12:00:00 job ERROR The loss is NaN.' + chr(10))"])
subprocess.run(["bash", "-c", "set -e; bash -c 'kill -9 $$'; true"], check=False)
output.drain()
output.write("x " * 150)
time.sleep(float(sys.argv[1]))
output.close()
print("the end", file=sys.stderr)
"""


def on_pipe():
    run = subprocess.run(
        [sys.executable, "-c", CALL, "0"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert run.stdout == ""
    return run.stderr


def on_terminal():
    main, terminal = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "80", "LINES": "24"}
    call = subprocess.Popen(
        [sys.executable, "-c", CALL, "0.8"], cwd=ROOT, stdout=terminal, stderr=terminal, env=environment
    )
    os.close(terminal)
    parts = []
    while True:
        try:
            part = os.read(main, 4096)
        except OSError:  # Linux reports the end of a terminal so
            break
        if not part:
            break
        parts.append(part)
    assert call.wait(60) == 0
    os.close(main)
    return b"".join(parts).decode()


def test_without_a_terminal_all_lines_come_in_order_and_none_is_long():
    lines = on_pipe().splitlines()
    assert lines[:2] == ["first line", "12:00:00 job ERROR The loss is NaN."]
    assert lines[-1] == "the end"
    assert "Killed" not in "".join(lines)
    assert len(lines[2].split()) + len(lines[3].split()) == 150
    assert max(map(len, lines)) <= LONGEST_LINE


def test_on_a_terminal_the_bars_are_drawn_below_the_lines_and_removed():
    text = on_terminal()
    assert "BAR simclr on pocus" in text
    for line in ("first line", "The loss is NaN.", "the end"):
        assert text.count(line) == 1
    assert text.rindex("BAR") < text.index("the end")
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")  # the cursor is back


@pytest.mark.parametrize(
    ("text", "count"), [("", 0), ("a\nb", 2), ("w" * 500, 1), ("word " * 100, 3), (f"  {'word ' * 100}", 3)]
)
def test_long_lines_break_between_words(text, count):
    lines = wrapped(text)
    assert len(lines) == count
    assert " ".join(" ".join(lines).split()) == " ".join(text.split())


def test_a_narrow_terminal_gets_shorter_lines():
    assert wrapped("one two three", 9) == ["one two", "    three"]
