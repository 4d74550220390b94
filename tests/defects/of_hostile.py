"""Ways to let hostile bytes hurt the deployer, each with the tests that have to go red."""

from tests.defects.breaking import Defect

ARCHIVE = "deployer/inspection/archive"
BOUNDS = "tests/pure/test_archive_bounds.py"

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
)
