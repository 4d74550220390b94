"""Pure: a dropped object, the release it is, its description on a published version, and the order of two drops."""

import difflib
import hashlib
import re
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from deployer.model.problem import Problem
from deployer.model.text import shortened, some
from deployer.model.value import Value

LAYOUT = "<application>/<release>.<zip|tar.gz|tgz|tar.zst>"
MAX_KEY = 1_024
"""Bytes of UTF-8. Source: Amazon S3 user guide, naming objects."""
FORCE = "dropshift-force"
"""User metadata of a drop (`x-amz-meta-dropshift-force: true`): release bytes that were rolled back before."""
SIGNATURE = "dropshift-signature"
"""User metadata of a drop: the Base64 of its detached signature."""
SIGNATURE_SUFFIX = ".sig"
"""Suffix of the object that holds the signature when the metadata does not."""
_SUFFIX = re.compile(r"\.(zip|tar\.gz|tgz|tar\.zst)\Z")
_DESCRIPTION = 256
_PATTERN = re.compile(
    r"release=([0-9a-f]{32}) key=([0-9a-f]{8}) dropped=(\S+) sequencer=([0-9A-Fa-f]{1,40}|-) (.+)", re.DOTALL
)


class Drop(Value):
    """One version of one object in the releases bucket: what a publisher dropped.

    Its JSON is the input of the durable execution, always the same for one drop: it holds no time and no request id.
    The same execution name with the same input returns the execution that is there, so an event that comes twice
    starts one rollout. Source: AWS Lambda developer guide, durable functions, idempotency.
    """

    bucket: str
    key: Annotated[str, Field(min_length=1)]
    """Decoded, as S3 knows it."""
    version_id: str
    sequencer: Annotated[str, Field(pattern=r"^[0-9A-Fa-f]*$", max_length=40)] = ""
    """Orders events for one key; empty without an event. Source: S3 user guide, event message structure."""
    attempt: Annotated[int, Field(ge=0)] = 0
    """0 for a drop; `redeploy` releases the same object version again as attempt 1, 2, …"""
    force: bool = False
    """True if a command asked to release these bytes although they were rolled back before."""

    @property
    def release_id(self) -> str:
        """The first 32 hex digits of SHA-256 over bucket, key and version id: one name for one object version."""
        identity = f"{self.bucket}\n{self.key}\n{self.version_id}" + (f"\n{self.attempt}" if self.attempt else "")
        return hashlib.sha256(identity.encode()).hexdigest()[:32]

    @property
    def application(self) -> str:
        """The key's first component: which application this is a release of."""
        return self.key.partition("/")[0]

    @property
    def name(self) -> str:
        """Return the publisher's name of the release: the rest of the key without its suffix."""
        return _SUFFIX.sub("", self.key.partition("/")[2])

    @property
    def label(self) -> str:
        """The release's name, safe to show."""
        return shortened(self.name)


def signed_text(key: str, sha256: str) -> bytes:
    """Return what a publisher signs for bytes with this digest (hex) that are dropped under this key."""
    return f"dropshift 1 {sha256} {key}".encode()


def misplaced(key: str, applications: Collection[str]) -> Problem | None:
    """Return why a key names no release of a known application; None when it does."""
    if len(key.encode()) > MAX_KEY:
        return _problem(key, f"a key of {len(key.encode())} bytes", f"{MAX_KEY} bytes")
    application, _, rest = key.partition("/")
    if any(part in ("", ".", "..") for part in key.split("/")) or not rest:
        return _problem(key, "a key outside the layout", LAYOUT)
    if application not in applications:
        known = sorted(applications)
        near = difflib.get_close_matches(application[:80], known, n=1)
        remedy = "deploy it (`make application`), then drop again"
        remedy = f'did you mean "{near[0]}"? Otherwise {remedy}' if near else remedy
        found = f'the unknown application "{shortened(application)}"'
        return Problem.of(shortened(key), found, some(known) or "none yet", remedy)
    if not _SUFFIX.search(rest):
        return _problem(key, "a file name that does not end in .zip, .tar.gz, .tgz or .tar.zst", LAYOUT)
    if not _SUFFIX.sub("", rest):
        return _problem(key, "a release without a name", LAYOUT)
    return None


def _problem(key: str, found: str, allowed: str) -> Problem:
    return Problem.of(shortened(key), found, allowed, "drop the archive under such a key")


class VersionDescription(Value):
    """The description of a published version: which release it is, and when it was dropped.

    It is enough to find the newer of two releases, without a call to S3.
    """

    release_id: str
    key_id: str
    """The first eight hex digits of the digest of the object's key."""
    dropped: datetime
    """The object's LastModified: whole seconds."""
    sequencer: str = ""
    label: str

    @classmethod
    def of(cls, drop: Drop, dropped: datetime) -> "VersionDescription":
        """Return the description of a drop that S3 last modified at a time, in whole seconds as S3 has it."""
        return cls(
            release_id=drop.release_id,
            key_id=hashlib.sha256(drop.key.encode()).hexdigest()[:8],
            dropped=dropped.replace(microsecond=0),
            sequencer=drop.sequencer,
            label=drop.label,
        )

    def newer_than(self, other: "VersionDescription") -> bool:
        """Compare by LastModified, which S3 sets; in the same second and for one key, by the sequencer.

        Sequencers are compared after right-padding the shorter one with zeros. They come with the event, which can be
        forged, so they count only where LastModified is equal. LastModified has whole seconds: of two keys dropped in
        the same second neither is newer, and the one that begins to take traffic last wins.
        Source: Amazon S3 user guide, event message structure, `sequencer`.
        """
        if self.dropped != other.dropped:
            return self.dropped > other.dropped
        if self.key_id != other.key_id or not (self.sequencer and other.sequencer):
            return False
        width = max(len(self.sequencer), len(other.sequencer))
        mine, theirs = (text.upper().ljust(width, "0") for text in (self.sequencer, other.sequencer))
        return mine > theirs

    def encode(self) -> str:
        """Return the text for Lambda: at most 256 characters, the limit of a version's description."""
        dropped = self.dropped.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        head = f"release={self.release_id} key={self.key_id} dropped={dropped} sequencer={self.sequencer or '-'} "
        return head + shortened(self.label, _DESCRIPTION - len(head))

    @classmethod
    def parse(cls, description: str) -> "VersionDescription | None":
        """Return what a version's description records; None for a version that the deployer did not publish."""
        found = _PATTERN.fullmatch(description)
        if not found:
            return None
        release_id, key_id, dropped, sequencer, label = found.groups()
        when = datetime.strptime(dropped, "%Y-%m-%dT%H:%M:%S%z")
        return cls(release_id=release_id, key_id=key_id, dropped=when, sequencer=sequencer.strip("-"), label=label)
