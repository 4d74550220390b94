"""Ways to copy from an earlier bundle what may not be copied, each with the tests that have to go red."""

from tests.defects.breaking import Defect

REUSE, STEPS = "tests/pure/test_bundle_reuse.py", "tests/workflow/test_reuse.py"
FLOWS = "tests/faults/test_reuse.py"

DEFECTS = (
    Defect(
        "a frame of an earlier bundle is copied whatever its bytes are",
        "StoredBundle.read",
        "if sha256(data).hexdigest() != digest:",
        "if not digest:",
        (f"{STEPS}::test_a_frame_with_other_bytes_than_its_digest_is_made_anew", FLOWS),
    ),
    Defect(
        "a bundle that is gone ends the release that would copy from it",
        "StoredBundle.read",
        'if error.response["Error"]["Code"] in _GONE:',
        "if not _GONE:",
        (f"{STEPS}::test_a_bundle_that_was_pruned_meanwhile_is_made_anew", FLOWS),
    ),
    Defect(
        "bytecode is taken from an earlier bundle whatever its source is",
        "Earlier.bytecode_of",
        "source.sha256 is not None and self.digests.get(source.path) == source.sha256",
        "source.path in self.digests",
        (f"{REUSE}::test_bytecode_of_unchanged_sources_is_copied_without_being_made",),
    ),
    Defect(
        "frames of other files with the same names are copied",
        "Frame.key",
        "piece.digest.encode()",
        'b""',
        (f"{REUSE}::test_a_change_makes_the_frames_near_it_anew_and_no_others",),
    ),
    Defect(
        "a frame ends where the last one's size says",
        "_cut",
        "min(places, key=lambda place: _hash(pieces[place]), default=end)",
        "end",
        (f"{REUSE}::test_cuts_come_together_again_after_a_file_was_added",),
    ),
    Defect(
        "prune deletes the bundle that the next release copies from",
        "prune.prune.orphans",
        "newest_bundles(stored)",
        "frozenset()",
        (f"{STEPS}::test_prune_leaves_the_bundle_that_the_next_release_copies_from",),
    ),
    Defect(
        "status does not say how far a bundle is",
        "bundling._attempt",
        "progress.tell",
        "lambda *_: None",
        (f"{STEPS}::test_status_says_how_far_a_bundle_is",),
    ),
)
