"""A pseudo-terminal for a program, and the screen that a person would see in it."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

COLUMNS, ROWS = 100, 40
_LOGIN = "import os, sys; os.login_tty(0); os.execv(sys.argv[1], sys.argv[1:])"
_SEQUENCE = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])|(\r)|(\n)|([^\x1b\r\n]+)|(.)", re.DOTALL)


@dataclass
class Screen:
    """The screen of a terminal: as much of its language as Rich and click speak."""

    lines: list[list[tuple[str, str]]] = field(default_factory=lambda: [[]])
    _row: int = 0
    _column: int = 0
    _style: str = ""

    def feed(self, text: str) -> None:
        """Take what a program wrote."""
        for found in _SEQUENCE.finditer(text):
            arguments, kind, carriage_return, newline, plain, _ = found.groups()
            if kind:
                self._obey(arguments, kind)
            elif carriage_return:
                self._column = 0
            elif newline:
                self._row += 1
                self._column = 0
                self.lines += [[] for _ in range(self._row + 1 - len(self.lines))]
            elif plain:
                self._write(plain)

    def _obey(self, arguments: str, kind: str) -> None:
        if kind == "A":
            self._row = max(0, self._row - int(arguments or 1))
        elif kind == "K":
            self.lines[self._row] = [] if arguments == "2" else self.lines[self._row][: self._column]
        elif kind == "m":
            self._style = "" if arguments in ("", "0") else self._style + f"\x1b[{arguments}m"

    def _write(self, text: str) -> None:
        line = self.lines[self._row]
        line += [("", " ")] * (self._column - len(line))
        line[self._column : self._column + len(text)] = [(self._style, char) for char in text]
        self._column += len(text)

    @property
    def text(self) -> str:
        """The screen without its colours."""
        return "\n".join("".join(char for _, char in line).rstrip() for line in self.lines)

    @property
    def ansi(self) -> str:
        """The screen with its colours."""
        return "\n".join("".join(f"{style}{char}\x1b[0m" for style, char in line) for line in self.lines)


class Terminal:
    """A program in a terminal of its own, which is its controlling one: Ctrl-C reaches it as from a keyboard."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], columns: int = COLUMNS) -> None:
        self.screen = Screen()
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-c", _LOGIN, *command], stdin=slave, stdout=slave, stderr=slave, env={**environment}
        )
        os.close(slave)

    def until(self, look: Callable[[str], object], seconds: float = 60) -> str:
        """Read until what is on the screen satisfies a condition; return it."""
        deadline = time.monotonic() + seconds
        while not look(self.screen.text):
            assert time.monotonic() < deadline, self.screen.text
            assert self._read(0.2) or self.process.poll() is None, self.screen.text
        return self.screen.text

    def type(self, keys: str) -> None:
        """Press keys; the third control character is Ctrl-C."""
        os.write(self._master, keys.encode())

    def end(self, seconds: float = 90) -> int:
        """Read to the program's end; return its exit status."""
        deadline = time.monotonic() + seconds
        while self._read(0.2) or self.process.poll() is None:
            assert time.monotonic() < deadline, self.screen.text
        os.close(self._master)
        return self.process.wait()

    def _read(self, seconds: float) -> bool:
        if not select.select([self._master], [], [], seconds)[0]:
            return False
        with suppress(OSError):  # EIO: nobody has the other end open any more
            if data := os.read(self._master, 65_536):
                self.screen.feed(data.decode(errors="replace"))
                return True
        return False
