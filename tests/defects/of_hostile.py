"""Ways to let hostile bytes hurt the deployer, each with the tests that have to go red."""

from tests.defects.breaking import Defect

BOUNDS = "tests/pure/test_archive_bounds.py"
MANIFESTS, PROBLEMS = "tests/pure/test_manifest.py", "tests/pure/test_problems.py"
SANDBOX = "tests/pure/test_sandbox.py"
TAKES = "tests/pure/test_bytecode.py::test_a_source_that_takes_more_than_a_compiler_may_costs_nobody_else_its_bytecode"
ENDS = f"{SANDBOX}::test_whatever_becomes_of_a_guest_is_a_refusal_in_a_sentence"
COSTS = f"{MANIFESTS}::test_no_manifest_costs_more_than_a_moment_and_a_few_megabytes"

PEERS = "tests/pure/test_archive_peers.py::test_an_archive_that_others_refuse_is_refused_with_a_way_out"

DEFECTS = (
    Defect(
        "the last of two second names counts",
        "zip_extra.parse",
        "tag in (ZIP64, UNICODE_PATH, AES)",
        "tag in (ZIP64, AES)",
        (f"{PEERS}[a second name in front, twice]",),
    ),
    Defect(
        "of a data descriptor only the size counts",
        "zip_reader._descriptor_fault",
        "sound = data in (*plain, *(_DESCRIPTOR_SIGNATURE + form for form in plain))",
        "sound = any(data.endswith(form[-4:]) for form in plain)",
        (f"{PEERS}[a descriptor whose CRC is 0]",),
    ),
    Defect(
        "what follows a tar's end marker costs nothing",
        "Reader._end",
        'raise UnreadableError(WHOLE, "data behind the end marker", "nothing behind it")\nself._check_unpacked()',
        'raise UnreadableError(WHOLE, "data behind the end marker", "nothing behind it")',
        (f"{BOUNDS}::test_every_byte_out_of_a_decompressor_counts",),
    ),
    Defect(
        "the bytes of hard links count once",
        "Reader._hard_link",
        "self._copied += file.size",
        "",
        (f"{BOUNDS}::test_every_byte_out_of_a_decompressor_counts",),
    ),
    Defect(
        "an archive of any size is begun",
        "read.read",
        "_check_size(source, limits)",
        "",
        (f"{BOUNDS}::test_an_archive_that_is_larger_than_anything_it_may_unpack_to_is_refused_before_it_is_read",),
    ),
    Defect(
        "compressed bytes that give nothing are read to their end",
        "compression.decompress",
        "if packed.size > size + size // 16 + IDLE:",
        "if packed.size > size + size // 16 + 2**40:",
        (f"{BOUNDS}::test_compressed_bytes_that_unpack_to_nothing_are_not_read_for_long",),
    ),
    Defect(
        "zstd frames are not counted",
        "unzstd",
        "_check_frames(frames, limit)",
        "",
        (f"{BOUNDS}::test_compressed_bytes_that_unpack_to_nothing_are_not_read_for_long",),
    ),
    Defect(
        "a dotted key of any length reaches tomllib",
        "toml.load",
        "if _LONG_KEY.search(source):",
        "if False:",
        (
            f"{COSTS}[a dotted key with quotes and blanks]",
            f"{MANIFESTS}::test_what_is_too_much_is_refused_with_a_way_out",
        ),
    ),
    Defect(
        "a manifest may be nested as deep as Python can",
        "_unusable",
        "if depth > _DEEPEST:",
        "if depth > 2000:",
        (f"{MANIFESTS}::test_what_is_too_much_is_refused_with_a_way_out",),
    ),
    Defect(
        "an integer may be larger than Python writes",
        "_unusable",
        "isinstance(value, int) and not -(2**63) <= value < 2**63",
        "isinstance(value, str) and not value.isascii() and not value",
        (COSTS,),
    ),
    Defect(
        "a manifest may grow when it is kept as JSON",
        "manifest_file._too_large",
        "if sum(sizes.values()) <= LARGEST:",
        "if sum(sizes.values()) <= 4 * LARGEST:",
        (COSTS,),
    ),
    Defect(
        "problems are listed however many they are",
        "_fitting",
        "if not more and len(items) <= LISTED and sum(sizes) <= _ROOM:",
        "if not more:",
        (PROBLEMS,),
    ),
    Defect(
        "problems are counted, but not measured",
        "_fitting.kept",
        "kept = sum(total <= _ROOM - _REST for total in totals[: LISTED - 1])",
        "kept = len(totals[: LISTED - 1])",
        (PROBLEMS,),
    ),
    Defect(
        "a smoke answer that is not ASCII ends every release of its application",
        "profile_request._profile",
        "except (ValueError, zlib.error, TypeError):",
        "except (UnicodeDecodeError, zlib.error, TypeError):",
        ("tests/pure/test_bundle.py::test_an_answer_without_a_profile_is_given_back_untouched",),
    ),
    Defect(
        "a guest gets the deployer's environment",
        "process.started",
        "env=_environment(),",
        "",
        (f"{SANDBOX}::test_a_guest_gets_no_variable_that_could_be_a_secret",),
    ),
    Defect(
        "a guest sees the deployer's environment and memory",
        "process.started",
        "_hide()",
        "",
        (f"{SANDBOX}::test_a_guest_sees_nothing_of_the_process_that_started_it",),
    ),
    Defect(
        "a guest may take any memory",
        "confine",
        "_limit(resource.RLIMIT_AS, allowance.memory << 20)",
        "_limit(resource.RLIMIT_AS, allowance.memory << 24)",
        (f"{ENDS}[memory]",),
    ),
    Defect(
        "a guest may take any processor time",
        "confine",
        "_limit(resource.RLIMIT_CPU, allowance.processor, _GRACE)",
        "",
        (f"{ENDS}[processor]",),
    ),
    Defect(
        "a guest may write a file of any size",
        "confine",
        "_limit(resource.RLIMIT_FSIZE, allowance.file)",
        "",
        (f"{ENDS}[file]",),
    ),
    Defect(
        "a guest is waited for as long as it likes",
        "process.started",
        "channel = Channel(ours, seconds)",
        "channel = Channel(ours, 12 * seconds)",
        (f"{ENDS}[clock]",),
    ),
    Defect(
        "a guest outlives its job",
        "process.started",
        "finally:\n    process.kill()\n    process.wait()",
        "finally:\n    pass",
        (f"{SANDBOX}::test_an_error_of_the_source_is_one_and_the_guest_does_not_outlive_it",),
    ),
    Defect(
        "a guest's digest is believed",
        "host._inspected",
        "(found.sha256, found.size) == (given.hexdigest(), given.size)",
        "found.size == given.size",
        (f"{ENDS}[lie]",),
    ),
    Defect(
        "a guest hands out as much as it likes",
        "host._serve",
        "case Kind.WRITE if written + len(data) <= job.most:",
        "case Kind.WRITE:",
        (f"{ENDS}[hands out]",),
    ),
    Defect(
        "other bytes than the inspected ones are bundled",
        "host.build",
        "given.hexdigest() != sha256",
        "not sha256",
        (f"{SANDBOX}::test_bytes_that_were_not_inspected_are_not_bundled",),
    ),
    Defect(
        "a broken installation refuses every archive",
        "process.started",
        "_await_start(process, Channel(ours, _START))",
        "",
        (f"{SANDBOX}::test_a_guest_that_does_not_even_start_is_an_error_of_ours",),
    ),
    Defect(
        "what a killed step left stays on the disk",
        "workspace",
        "_remove_abandoned()\npath, lock",
        "path, lock",
        (f"{SANDBOX}::test_what_a_killed_process_left_is_removed_when_the_next_begins_and_nothing_else",),
    ),
    Defect(
        "the directory of a step that is under way is removed by another",
        "_lock",
        "fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)",
        "fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)",
        (f"{SANDBOX}::test_what_a_killed_process_left_is_removed_when_the_next_begins_and_nothing_else",),
    ),
    Defect(
        "a compiler may take any memory and time",
        "_Compilers._run",
        "self._confine(process.pid)  # it has no sources yet",
        "resource.prlimit(process.pid, resource.RLIMIT_AS, (8 * _MEMORY, 8 * _MEMORY))",
        ("tests/pure/test_bytecode.py::test_compilers_that_die_again_and_again_end",),
    ),
    Defect(
        "bytecode may have any size",
        "compiler._compile",
        "if len(bytecode) > TIMES * os.stat(source).st_size + BASE:",
        "if len(bytecode) > 2**30 + os.stat(source).st_size:",
        (f"{TAKES}[3.13]",),
    ),
    Defect(
        "what a compiler does not survive costs the rest its bytecode",
        "_Compilers.compile",
        "sources = sources[done + 1 :]",
        "sources = []",
        ("tests/pure/test_bytecode.py::test_a_source_that_kills_its_compiler_costs_nobody_else_its_bytecode",),
    ),
    Defect(
        "a compiler gets the deployer's environment",
        "_Compilers._run",
        'env={name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ},',
        "",
        ("tests/pure/test_bytecode.py::test_a_compiler_gets_no_variable_of_the_deployer",),
    ),
)
