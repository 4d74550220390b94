"""The demo's callers: they ask the alias again and again, and count who answers."""

import json
import threading
from collections import Counter
from types import TracebackType
from typing import Any, Self

FLOWER = {"flower": [6.7, 3.0, 5.2, 2.3]}


class Callers:
    """Call an alias from some threads until the block ends."""

    def __init__(self, client: Any, function: str, number: int = 2) -> None:  # noqa: ANN401 - a boto3 client
        self._client = client
        self._function = function
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._known: set[str] = set()
        self._threads = [threading.Thread(target=self._call) for _ in range(number)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _call(self) -> None:
        while not self._stop.is_set():
            answerer = ask(self._client, self._function)[0]
            with self._lock:
                if answerer not in self._known:
                    self._known.add(answerer)
                    self._counts.clear()
                self._counts[answerer] += 1

    def since_last_asked(self) -> Counter[str]:
        """Return how often each one answered since somebody new answered first: before, nothing happens."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        return counts


def ask(client: Any, function: str) -> tuple[str, dict[str, Any]]:  # noqa: ANN401 - a boto3 client
    """Call the alias once; return the release that answered, or the version that failed, and the answer."""
    answer = client.invoke(FunctionName=function, Qualifier="live", Payload=json.dumps(FLOWER).encode())
    found = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        return f"version {answer['ExecutedVersion']} failed", found
    return found["release"], found
