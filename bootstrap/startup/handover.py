"""Stand in for the runtime's client until the first invocation is answered, then vanish.

On-demand init is cut at 10 s and repeated from scratch inside the first invocation. So before that deadline the first
invocation is taken early, which ends the init phase in Lambda's eyes; the import goes on where it is, in the main
thread, and the runtime is handed the waiting invocation when it asks. The runtime calls the application's own function,
and after the first answer nothing of this stands between them. A process that starts anew in place takes it along.

The first answer may also carry the access profile, when the invocation's client context asks for it (a smoke test).
"""

import base64
import json
import marshal
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from ..pointer import PROFILE_WANTED

CONTEXT = "Lambda-Runtime-Client-Context"
TAKEN = "DROPSHIFT_TAKEN"
"""Says which file holds an invocation that was taken before the process started anew."""
SECONDS = 9.0
"""Seconds after the process's start when init is handed over; Lambda cuts it at 10."""


class First:
    """The runtime's client, with the first invocation in hand or in view."""

    def __init__(self, home: Any, profile: Callable[[], bytes]) -> None:  # noqa: ANN401 - the runtime's own module
        """Do nothing yet; `home` is the runtime's module that holds `runtime_client`."""
        self._home = home
        self._client = home.runtime_client
        self._profile = profile
        self._deadline = _process_start() + float(os.environ.get("DROPSHIFT_HAND_OVER") or SECONDS)
        self._taken: Any = None
        self._last = False
        if TAKEN in os.environ:
            with os.fdopen(int(os.environ[TAKEN]), "rb") as file:
                self._taken = marshal.load(file)  # noqa: S302 - what this process wrote itself
            self.watch()

    @property
    def early(self) -> bool:
        """Tell whether an invocation is waiting for the init to end."""
        return self._taken is not None

    def tick(self) -> None:
        """Take the invocation when the deadline is near."""
        if (
            self._client is not None
            and self._taken is None
            and time.clock_gettime(time.CLOCK_BOOTTIME) >= self._deadline
        ):
            self._taken = self._client.next()
            self.watch()

    def watch(self) -> None:
        """Stand where the runtime looks for its client."""
        self._home.runtime_client = self

    def take_along(self) -> dict[str, str]:
        """Give what the environment must say for a process that starts anew in place to answer the invocation."""
        if not self.early:
            return {}
        file = os.memfd_create(TAKEN, 0)
        os.write(file, marshal.dumps(self._taken))
        os.lseek(file, 0, os.SEEK_SET)
        return {TAKEN: str(file)}

    def end_after_answer(self) -> None:
        """Leave after the first answer, as a failed init would; the next invocation gets a fresh start."""
        self._last = True

    def next(self) -> Any:  # noqa: ANN401 - the runtime's own types
        """Give the first invocation to the runtime."""
        if self._last and self._taken is None:
            sys.exit(1)
        (body, headers), self._taken = self._taken or self._client.next(), None
        if PROFILE_WANTED in (headers.get(CONTEXT) or ""):
            headers = {name: value for name, value in headers.items() if name != CONTEXT}
        elif not self._last:
            self._home.runtime_client = self._client
        return body, headers

    def post_invocation_result(self, request: str, data: bytes, kind: str, *rest: Any) -> Any:  # noqa: ANN401 - as above
        """Answer the invocation that asked for the profile."""
        self._home.runtime_client = self._client
        if kind == "application/json":
            profile = json.dumps(base64.b64encode(self._profile()).decode()).encode()
            data = b'{"response":' + data + b',"dropshift":' + profile + b"}"
        return self._client.post_invocation_result(request, data, kind, *rest)

    def post_error(self, *given: Any) -> Any:  # noqa: ANN401 - as above
        """Answer with the application's error."""
        if not self._last:
            self._home.runtime_client = self._client
        return self._client.post_error(*given)


def _process_start() -> float:
    """Give when this process was started, in seconds of CLOCK_BOOTTIME; proc(5), field 22 of stat."""
    with open("/proc/self/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    return int(fields[19]) / os.sysconf("SC_CLK_TCK")
