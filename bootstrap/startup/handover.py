"""Stand in for the runtime's client until the load is complete, then vanish.

Shortly before on-demand init would be cut, the first invocation is taken (early.py). The import continues in the main
thread, and the runtime gets the waiting invocation when it asks. A process that executes again takes it along.

While files arrive, the loading process is asked before each answer whether the answer may be based on bytes that had
not arrived. After the first answer no other invocation is requested until all files are in place. During such a
request an environment may be frozen, together with a process that waits for a file. The runtime calls the
application's own function.

The first answer may also carry the access profile, when the invocation's client context asks for it (a smoke test).
"""

import base64
import marshal
import os
import sys
from collections.abc import Callable
from typing import Any

from ..early import EarlyInvocation
from ..failures import LoadError
from ..lines import encode
from ..pointer import PROFILE_WANTED
from .progress import LoadProgress

CONTEXT = "Lambda-Runtime-Client-Context"
TAKEN = "DROPSHIFT_TAKEN"
"""Names the file with an invocation that was taken before the process executed again."""


class FirstInvocation:
    """The runtime's client, with the first invocation in hand or in view."""

    def __init__(self, home: Any, profile: Callable[[], bytes], failed: Callable[[LoadError], object]) -> None:  # noqa: ANN401 - the runtime's own module
        """Do nothing yet; `home` is the runtime's module that holds `runtime_client`."""
        self._home = home
        self._client = home.runtime_client
        self._profile, self._failed = profile, failed
        self._taken: Any = None
        self._limit: EarlyInvocation | None = None
        self._last = self._answered = self._profile_wanted = False
        self._progress: LoadProgress | None = None
        if TAKEN in os.environ:
            with os.fdopen(int(os.environ[TAKEN]), "rb") as file:
                self._taken = marshal.load(file)  # noqa: S302 - what this process wrote itself
            self.watch(None)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as above
        """All other methods are those of the runtime's client."""
        return getattr(self._client, name)

    def __repr__(self) -> str:
        """Look like the runtime's client."""
        return repr(self._client)

    def wait_for_limit(self) -> EarlyInvocation | None:
        """Let the invocation be taken when the init is about to be cut, unless it has been."""
        if self._taken is None and self._client is not None:
            self._limit = EarlyInvocation()
        return self._limit

    @property
    def early(self) -> bool:
        """Return whether an invocation waits for the init to end; after this call no other process takes it."""
        if self._limit is not None:
            self._taken, self._limit = self._limit.claim(), None
            if self._taken is not None:
                self._home.runtime_client = self
        return self._taken is not None

    def watch(self, progress: LoadProgress | None) -> None:
        """Stand where the runtime looks for its client."""
        self._progress = progress
        self._home.runtime_client = self

    def take_along(self) -> dict[str, str]:
        """Return the environment variables that let the re-executed process answer the invocation already taken."""
        if not self.early:
            return {}
        file = os.memfd_create(TAKEN, 0)
        os.write(file, marshal.dumps(self._taken))
        os.lseek(file, 0, os.SEEK_SET)
        return {TAKEN: str(file)}

    def end_after_answer(self) -> None:
        """End the process after the first answer, as a failed init would; the next invocation gets a fresh start."""
        self._last = True

    def next(self) -> Any:  # noqa: ANN401 - the runtime's own types
        """Return an invocation to the runtime; all but the first only when every file is in place."""
        if self._last and not self.early:
            sys.exit(1)
        if self._answered and self._progress:
            self._or_end(self._progress.wait_for_all)
            self._vanish()
        (body, headers), self._taken = self._taken if self.early else self._client.next(), None
        self._profile_wanted = PROFILE_WANTED in (headers.get(CONTEXT) or "")
        if self._profile_wanted:
            headers = {name: value for name, value in headers.items() if name != CONTEXT}
        elif self._progress is None or self._progress.done:
            self._vanish()
        return body, headers

    def post_invocation_result(self, request: str, data: bytes, kind: str, *rest: Any) -> Any:  # noqa: ANN401 - as above
        """Answer, with the profile if the invocation asked for it."""
        self._settle()
        if self._profile_wanted and kind == "application/json":
            profile = encode(base64.b64encode(self._profile()).decode()).encode()
            data = b'{"response":' + data + b',"dropshift":' + profile + b"}"
        self._profile_wanted = False
        return self._client.post_invocation_result(request, data, kind, *rest)

    def post_error(self, *given: Any) -> Any:  # noqa: ANN401 - as above
        """Answer with the application's error."""
        self._settle()
        return self._client.post_error(*given)

    def _settle(self) -> None:
        """Make sure that the answer may be sent; otherwise end the process."""
        self._answered = True
        if self._progress and not self._progress.done:
            self._or_end(self._progress.sound)
        if self._progress is None or self._progress.done:
            self._vanish()

    def _or_end(self, wait: Callable[[], None]) -> None:
        try:
            wait()
        except LoadError as error:
            self._failed(error)
            sys.stdout.flush()
            os._exit(1)

    def _vanish(self) -> None:
        if not self._last:
            self._home.runtime_client = self._client
