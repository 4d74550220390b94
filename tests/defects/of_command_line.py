"""Ways for the command line to mislead a person or a pipeline, each with the tests that have to go red."""

from tests.defects.breaking import Defect

LINE, PACK = "tests/end_to_end/test_command_line.py", "tests/pure/test_pack.py"

DEFECTS = (
    Defect(
        "a release that was rolled back is a success for the pipeline",
        "deployer/cli/exits.py",
        "    Status.ROLLED_BACK: Exit.REFUSED,",
        "    Status.ROLLED_BACK: Exit.LIVE,",
        (f"{LINE}::test_rolled_back_is_1_with_the_reason",),
    ),
    Defect(
        "what moves traffic is done unasked where nobody can be asked",
        "steering._confirm",
        "if not screen.asks_people():",
        "if False:",
        (f"{LINE}::test_what_moves_traffic_is_not_done_unasked",),
    ),
    Defect(
        "an archive is uploaded before it was inspected",
        "dropping.drop",
        "if isinstance(found, Refusal):",
        "if isinstance(found, Refusal) and not _upload(path, key, found, run, sign=None, force=False):",
        (f"{LINE}::test_a_refused_archive_is_1_before_anything_is_uploaded",),
    ),
    Defect(
        "wheels are those of the machine that packs",
        "dependencies.wheels",
        '"--python-platform", platform',
        '"--quiet", "--quiet"',
        (f"{PACK}::test_wheels_are_those_of_the_function_whatever_this_machine_is",),
    ),
    Defect(
        "an archive keeps the times of its files",
        "zipping._add",
        "entry = zipfile.ZipInfo(name, _EPOCH)",
        "entry = zipfile.ZipInfo.from_file(path, name, strict_timestamps=False)",
        (f"{PACK}::test_the_same_folder_is_the_same_bytes_wherever_and_whenever",),
    ),
    Defect(
        "what begins with a dot is packed, secrets too",
        "packing._is_left_out",
        'return (at_the_root and path.name.startswith(".")) or',
        "return",
        (f"{PACK}::test_modes_and_links_stay_and_what_is_not_the_applications_goes",),
    ),
)
