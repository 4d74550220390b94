"""Ways to let hostile bytes hurt the deployer, each with the tests that have to go red."""

from tests.defects.breaking import Defect

ARCHIVE = "deployer/inspection/archive"
BOUNDS = "tests/pure/test_archive_bounds.py"
TOML, PROBLEM = "deployer/model/toml.py", "deployer/model/problem.py"
MANIFESTS, PROBLEMS = "tests/pure/test_manifest.py", "tests/pure/test_problems.py"
HOST, GUEST, SANDBOX = "deployer/sandbox/host.py", "deployer/sandbox/guest.py", "tests/pure/test_sandbox.py"
BYTECODE = "deployer/bundle/bytecode.py"
TAKES = "tests/pure/test_bytecode.py::test_a_source_that_takes_more_than_a_compiler_may_costs_nobody_else_its_bytecode"
ENDS = f"{SANDBOX}::test_whatever_becomes_of_a_guest_is_a_refusal_in_a_sentence"
COSTS = f"{MANIFESTS}::test_no_manifest_costs_more_than_a_moment_and_a_few_megabytes"

DEFECTS = (
    Defect(
        "what follows a tar's end marker costs nothing",
        f"{ARCHIVE}/tar_reader.py",
        '                raise UnreadableError(WHOLE, "data behind the end marker", "nothing behind it")\n'
        "            self._check_unpacked()\n",
        '                raise UnreadableError(WHOLE, "data behind the end marker", "nothing behind it")\n',
        (f"{BOUNDS}::test_every_byte_out_of_a_decompressor_counts",),
    ),
    Defect(
        "the bytes of hard links count once",
        f"{ARCHIVE}/tar_reader.py",
        "        self._copied += file.size\n",
        "",
        (f"{BOUNDS}::test_every_byte_out_of_a_decompressor_counts",),
    ),
    Defect(
        "an archive of any size is begun",
        f"{ARCHIVE}/read.py",
        "        _check_size(source, limits)\n",
        "",
        (f"{BOUNDS}::test_an_archive_that_is_larger_than_anything_it_may_unpack_to_is_refused_before_it_is_read",),
    ),
    Defect(
        "compressed bytes that give nothing are read to their end",
        f"{ARCHIVE}/compression.py",
        "if packed.size > size + size // 16 + IDLE:",
        "if packed.size > size + size // 16 + 2**40:",
        (f"{BOUNDS}::test_compressed_bytes_that_unpack_to_nothing_are_not_read_for_long",),
    ),
    Defect(
        "zstd frames are not counted",
        f"{ARCHIVE}/compression.py",
        "                    _check_frames(frames, limit)\n",
        "",
        (f"{BOUNDS}::test_compressed_bytes_that_unpack_to_nothing_are_not_read_for_long",),
    ),
    Defect(
        "a dotted key of any length reaches tomllib",
        TOML,
        "if _LONG_KEY.search(source):",
        "if False:",
        (
            f"{COSTS}[a dotted key with quotes and blanks]",
            f"{MANIFESTS}::test_what_is_too_much_is_refused_with_a_way_out",
        ),
    ),
    Defect(
        "a manifest may be nested as deep as Python can",
        TOML,
        "if depth > _DEEPEST:",
        "if depth > 2000:",
        (f"{MANIFESTS}::test_what_is_too_much_is_refused_with_a_way_out",),
    ),
    Defect(
        "an integer may be larger than Python writes",
        TOML,
        "isinstance(value, int) and not -(2**63) <= value < 2**63",
        "isinstance(value, str) and not value.isascii() and not value",
        (COSTS,),
    ),
    Defect(
        "a manifest may grow when it is kept as JSON",
        "deployer/model/manifest.py",
        "if sum(sizes.values()) <= LARGEST:",
        "if sum(sizes.values()) <= 4 * LARGEST:",
        (COSTS,),
    ),
    Defect(
        "problems are listed however many they are",
        PROBLEM,
        "if not more and len(items) <= LISTED and sum(sizes) <= _ROOM:",
        "if not more:",
        (PROBLEMS,),
    ),
    Defect(
        "problems are counted, but not measured",
        PROBLEM,
        "kept = sum(total <= _ROOM - _REST for total in totals[: LISTED - 1])",
        "kept = len(totals[: LISTED - 1])",
        (PROBLEMS,),
    ),
    Defect(
        "a guest gets the deployer's environment",
        HOST,
        "env=_environment(), ",
        "",
        (f"{SANDBOX}::test_a_guest_gets_no_variable_that_could_be_a_secret",),
    ),
    Defect(
        "a guest may take any memory",
        GUEST,
        "        _limit(resource.RLIMIT_AS, allowance.memory << 20)",
        "        _limit(resource.RLIMIT_AS, allowance.memory << 24)",
        (f"{ENDS}[memory]",),
    ),
    Defect(
        "a guest may take any processor time",
        GUEST,
        "    _limit(resource.RLIMIT_CPU, allowance.processor, _GRACE)\n",
        "",
        (f"{ENDS}[processor]",),
    ),
    Defect(
        "a guest may write a file of any size",
        GUEST,
        "    _limit(resource.RLIMIT_FSIZE, allowance.file)\n",
        "",
        (f"{ENDS}[file]",),
    ),
    Defect(
        "a guest is waited for as long as it likes",
        HOST,
        "channel = Channel(ours, seconds)",
        "channel = Channel(ours, 12 * seconds)",
        (f"{ENDS}[clock]",),
    ),
    Defect(
        "a guest outlives its job",
        HOST,
        "        finally:\n            process.kill()\n            process.wait()\n",
        "        finally:\n            pass\n",
        (f"{SANDBOX}::test_an_error_of_the_source_is_one_and_the_guest_does_not_outlive_it",),
    ),
    Defect(
        "a guest's digest is believed",
        HOST,
        "(found.sha256, found.size) == (given.hexdigest(), given.size)",
        "found.size == given.size",
        (f"{ENDS}[lie]",),
    ),
    Defect(
        "a guest hands out as much as it likes",
        HOST,
        "case Kind.WRITE if written + len(data) <= job.most:",
        "case Kind.WRITE:",
        (f"{ENDS}[hands out]",),
    ),
    Defect(
        "other bytes than the inspected ones are bundled",
        HOST,
        "if given.hexdigest() != sha256 and not isinstance(found, Refusal):",
        "if not sha256:",
        (f"{SANDBOX}::test_bytes_that_were_not_inspected_are_not_bundled",),
    ),
    Defect(
        "a broken installation refuses every archive",
        HOST,
        "            _await_start(process, channel)\n",
        "",
        (f"{SANDBOX}::test_a_guest_that_does_not_even_start_is_an_error_of_ours",),
    ),
    Defect(
        "what a killed step left stays on the disk",
        "deployer/sandbox/workspace.py",
        "    _remove_abandoned()\n    while",
        "    while",
        (f"{SANDBOX}::test_what_a_killed_process_left_is_removed_when_the_next_begins_and_nothing_else",),
    ),
    Defect(
        "the directory of a step that is under way is removed by another",
        "deployer/sandbox/workspace.py",
        "fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)",
        "fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)",
        (f"{SANDBOX}::test_what_a_killed_process_left_is_removed_when_the_next_begins_and_nothing_else",),
    ),
    Defect(
        "a compiler may take any memory and time",
        BYTECODE,
        "            self._confine(process.pid)  # it has no sources yet\n",
        "            resource.prlimit(process.pid, resource.RLIMIT_AS, (8 * _MEMORY, 8 * _MEMORY))\n",
        ("tests/pure/test_bytecode.py::test_compilers_that_die_again_and_again_end",),
    ),
    Defect(
        "bytecode may have any size",
        "deployer/bundle/compiler.py",
        "    if len(bytecode) > TIMES * os.stat(source).st_size + BASE:",
        "    if len(bytecode) > 2**30 + os.stat(source).st_size:",
        (f"{TAKES}[3.13]",),
    ),
    Defect(
        "what a compiler does not survive costs the rest its bytecode",
        BYTECODE,
        "            sources = sources[done + 1 :]\n",
        "            sources = []\n",
        ("tests/pure/test_bytecode.py::test_a_source_that_kills_its_compiler_costs_nobody_else_its_bytecode",),
    ),
    Defect(
        "a compiler gets the deployer's environment",
        BYTECODE,
        '            env={name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ},\n',
        "",
        ("tests/pure/test_bytecode.py::test_a_compiler_gets_no_variable_of_the_deployer",),
    ),
)
