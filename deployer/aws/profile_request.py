"""Pure: the request for the access profile in a smoke test's invocation, and the profile in its answer."""

import base64
import json
import zlib
from typing import Any, NamedTuple

from bootstrap.pointer import PROFILE_WANTED
from deployer.model.profile import LARGEST, Profile

CLIENT_CONTEXT = base64.b64encode(json.dumps({"custom": {PROFILE_WANTED: True}}).encode()).decode()
"""For Lambda's Invoke, parameter ClientContext: the first answer of a fresh environment then carries the profile."""


class Recorded(NamedTuple):
    """The application's own answer, and the access profile; None when the environment was not a fresh one."""

    response: bytes
    profile: Profile | None


def unwrap(payload: bytes) -> Recorded:
    """Split an answer; one without a profile is returned as it is."""
    try:
        answer: Any = json.loads(payload)
    except (ValueError, RecursionError):
        return Recorded(payload, None)
    if not isinstance(answer, dict) or answer.keys() != {"response", "dropshift"}:
        return Recorded(payload, None)
    return Recorded(json.dumps(answer["response"]).encode(), _profile(answer["dropshift"]))


def _profile(text: str) -> Profile | None:
    """Return the profile that the bootstrap packed; None for one that cannot be read or is too large.

    An application can forge it. Without a profile the next release loads more slowly.
    """
    unpacking = zlib.decompressobj()
    try:
        found = unpacking.decompress(base64.b64decode(text), LARGEST)
        return None if unpacking.unconsumed_tail else Profile.model_validate_json(found)
    except (ValueError, zlib.error, TypeError):  # not Base64, not even ASCII, no profile
        return None
