"""Archives that ask what the tests of others' unpackers ask, each built by a recipe of a line or two.

uv      uv 0.11 (2026-08): crates/uv/tests/build/extract.rs ("malo"), uv-extract and uv-install-wheel, and the wheels of
        crates/uv/tests/pip_install; with them the tests of rs-async-zip, the reader it brings
installer   pypa/installer 1.0 (2026-07): tests/test_sources.py, test_records.py, test_core.py, test_destinations.py

Left out is what the tables of test_archive_zip.py, test_archive_tar.py and test_archive_names.py have already, and what
only an installer does: launchers, interpreters in scripts, uninstalling. A release is unpacked, never installed.
"""

import gzip
import io
import tarfile

from backports import zstd

from tests.pure.hostile import (
    DATA,
    FULL,
    Member,
    deflate,
    descriptor,
    extra,
    member,
    pax,
    tar_of,
    unicode_path,
    zip64,
    zip_of,
)

HANDLER = b"def lambda_handler(event, context):\n    return event\n"
APP = Member(b"lambda_function.py", HANDLER)
TAR_APP = member(b"lambda_function.py", HANDLER)
STREAMED = {"crc": 0, "packed": 0, "size": 0}
MADE = deflate(DATA)


def _zip(*members: Member, **end: object) -> bytes:
    return zip_of(APP, *members, **end)  # type: ignore[arg-type]


def _described(behind: bytes, **fields: object) -> bytes:
    return _zip(Member(b"x", flags=8, local=STREAMED, descriptor=behind, **fields))  # type: ignore[arg-type]


def _wheel(files: dict[str, bytes]) -> bytes:
    """Return a release with a wheel's files, as somebody packs it who unzips wheels instead of installing them."""
    usual = {
        "fancy/__init__.py": b"",
        "fancy-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: fancy\nVersion: 1.0\n",
        "fancy-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "fancy-1.0.dist-info/RECORD": b"fancy/__init__.py,,\nfancy-1.0.dist-info/RECORD,,\n",
    }
    return _zip(*(Member(path.encode(), data, method=8) for path, data in (usual | files).items() if data != b"-"))


def _record(*lines: str) -> bytes:
    return _wheel({"fancy-1.0.dist-info/RECORD": "\n".join(lines).encode() + b"\n"})


def _twice(path: str) -> bytes:
    """Return what an ordinary tar library writes for two files of one name."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for data in (HANDLER, b"import os\n"):
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


def _signed() -> bytes:
    """Return a zip with a digital signature at the end of its directory, as APPNOTE 4.3.13 has it."""
    plain, signature = _zip(), b"PK\x05\x05" + (4).to_bytes(2, "little") + b"sign"
    size = int.from_bytes(plain[-10:-6], "little") + len(signature)
    return plain[:-22] + signature + plain[-22:-10] + size.to_bytes(4, "little") + plain[-6:]


GBK = "中文.txt".encode("gbk")
END64 = b"PK\x06\x06" + (44).to_bytes(8, "little") + bytes(44)
INNER = zip_of(Member(b"evil.py", b"import os\n"))
"""A whole zip, to hide in another one."""

REFUSED: dict[str, tuple[str, str, bytes, str]] = {
    # what it is: (the test it follows, the archive's name, its bytes, words of what was found)
    "a descriptor whose CRC is 0": (
        "uv data_descriptor_bad_crc_0",
        "a.zip",
        _described(b"PK\7\x08" + bytes(4) + descriptor(DATA)[8:]),
        "data descriptor",
    ),
    "a descriptor with another packed size": (
        "uv data_descriptor_bad_csize",
        "a.zip",
        _described(descriptor(DATA, len(MADE) + 1), method=8),
        "data descriptor",
    ),
    "a descriptor with another size": (
        "uv data_descriptor_bad_usize",
        "a.zip",
        _described(descriptor(DATA)[:-4] + b"\7\0\0\0"),
        "data descriptor",
    ),
    "a descriptor with another size, without signature": (
        "uv data_descriptor_bad_usize_no_sig",
        "a.zip",
        _described(descriptor(DATA, signed=False)[:-4] + b"\7\0\0\0"),
        "data descriptor",
    ),
    "a zip64 descriptor with another packed size": (
        "uv data_descriptor_zip64_csize",
        "a.zip",
        _described(descriptor(DATA, len(MADE) + 1, form="<IQQ"), method=8),
        "data descriptor",
    ),
    "a zip64 descriptor with another size": (
        "uv data_descriptor_zip64_usize",
        "a.zip",
        _described(descriptor(DATA, form="<IQQ")[:-8] + (7).to_bytes(8, "little")),
        "data descriptor",
    ),
    "a descriptor twice": ("uv UnexpectedDataDescriptor", "a.zip", _described(2 * descriptor(DATA)), "data descriptor"),
    "zip64 in front with another packed size": (
        "uv zip64_extra_csize",
        "a.zip",
        _zip(Member(b"x", local={"packed": FULL, "size": FULL}, local_extra=zip64(len(DATA), 9))),
        "another compressed size",
    ),
    "zip64 in front with another size": (
        "uv zip64_extra_usize",
        "a.zip",
        _zip(Member(b"x", local={"packed": FULL, "size": FULL}, local_extra=zip64(9, len(DATA)))),
        "another size",
    ),
    "a full packed size in front, without zip64": (
        "async-zip each_local_zip64_size_must_have_an_override",
        "a.zip",
        _zip(Member(b"x", local={"packed": FULL})),
        "without a zip64",
    ),
    "a full size in front, without zip64": (
        "async-zip zip64_local_sentinel_requires_recognized_extra_field",
        "a.zip",
        _zip(Member(b"x", local={"size": FULL}, local_extra=extra(0xF00D, bytes(8)))),
        "without a zip64",
    ),
    "an empty zip64 field for full sizes": (
        "uv short_usize_zip64",
        "a.zip",
        _zip(
            Member(b"x", central={"size": FULL, "packed": FULL}, extra=zip64(), local={"size": 9, "packed": len(DATA)})
        ),
        "too short",
    ),
    "a second name, twice": (
        "uv second_unicode_extra",
        "a.zip",
        _zip(Member(b"x", extra=unicode_path(b"x", "x") + unicode_path(b"x", "lambda_function.py"))),
        "0x7075 twice",
    ),
    "a second name in front, twice": (
        "uv unicode_extra_chain",
        "a.zip",
        _zip(Member(b"x", local_extra=unicode_path(b"x", "x") + unicode_path(b"x", "y"))),
        "0x7075 twice",
    ),
    "a second name in front only": (
        "uv unicode_extra_chain",
        "a.zip",
        _zip(Member(b"x", local_extra=unicode_path(b"x", "lambda_function.py"))),
        "Unicode path",
    ),
    "a name in GBK whose second name is UTF-8": (
        "uv non_ascii_original_name; async-zip decompress_zip_with_utf8_extra",
        "a.zip",
        _zip(Member(GBK, extra=unicode_path(GBK, "中文.txt"), local_extra=unicode_path(GBK, "中文.txt"))),
        "Unicode path",
    ),
    "a zip64 end record of which its locator knows nothing": (
        "uv zip64_eocd_confusion",
        "a.zip",
        _zip(end64={}, before_directory=END64),
        "unused bytes",
    ),
    "a zip64 end record without a locator": (
        "async-zip test_directory_must_bind_to_selected_end_record",
        "a.zip",
        _zip().replace(b"PK\5\6", END64 + b"PK\5\6"),
        "ends before or behind",
    ),
    "a zip64 end record that is shorter than its fields": (
        "async-zip zip64_end_record_size_must_cover_fixed_fields",
        "a.zip",
        _zip(end64={"length": 43}),
        "extra data",
    ),
    "a zip64 end record by another signature": (
        "async-zip zip64_locator_requires_end_record_signature",
        "a.zip",
        _zip(end64={}).replace(b"PK\6\6", b"PK\6\x09"),
        "zip64 locator",
    ),
    "more entries than a number has": (
        "async-zip zip64_entry_count_must_fit_before_zip64_eocdr",
        "a.zip",
        _zip(end64={"here": 2**64 - 1, "count": 2**64 - 1}, end={"here": 0xFFFF, "count": 0xFFFF}),
        "18446744073709551615 entries",
    ),
    "a directory of the fixed parts alone": (
        "async-zip directory_size_must_cover_variable_length_entries",
        "a.zip",
        _zip(end={"size": 46}),
        "ends before or behind",
    ),
    "a directory with a digital signature": (
        "async-zip directory_allows_digital_signature_record, which it lets pass: a second structure, of no use here",
        "a.zip",
        _signed(),
        "behind the entries",
    ),
    "an empty zip with the longest comment": (
        "async-zip locator_empty_max_comment_test",
        "a.zip",
        zip_of(comment=b"c" * 0xFFFF),
        "without entries",
    ),
    "two zips, one behind the other": (
        "uv reject_invalid_double_zip",
        "a.zip",
        INNER + _zip(),
        "ends before or behind",
    ),
    "a zip in an extra field of the last entry": (
        "async-zip local_extra_field_must_not_overlap_later_local_header",
        "a.zip",
        _zip(Member(b"x", local_extra=extra(0xCAFE, INNER), local={"packed": len(DATA) + 60, "size": len(DATA) + 60})),
        "another",
    ),
    "an entry whose bytes reach into the next": (
        "async-zip entry_body_must_not_overlap_later_local_header",
        "a.zip",
        _zip(Member(b"x", local={"packed": 60, "size": 60}, central={"packed": 60, "size": 60}), Member(b"y")),
        "overlaps",
    ),
    "a directory with a CRC": (
        "uv stream: a directory's CRC is 0",
        "a.zip",
        _zip(Member(b"lib/", b"", mode=0o40755, local={"crc": 5}, central={"crc": 5})),
        "CRC-32",
    ),
    "bzip2": ("uv fail_on_bz2_wheel", "a.zip", _zip(Member(b"x", method=12)), "compressed by bzip2"),
    "LZMA": ("uv fail_on_lzma_wheel", "a.zip", _zip(Member(b"x", method=14)), "compressed by LZMA"),
    "a name that goes on behind a NUL": (
        "uv reject_invalid_archive_member_names; async-zip nul_filenames_are_rejected",
        "a.zip",
        _zip(Member(b"fancy-1.0.dist-info/RECORD\0")),
        "control character",
    ),
    **{
        f"a name with {name}": ("uv validate_archive_member_name", "a.zip", _zip(Member(text)), "control character")
        for name, text in (("a tab", b"a\tb.py"), ("a carriage return", b"a\rb"), ("a backspace", b"a\x08b"))
    },
    "a path that goes up behind a folder": (
        "installer blocking_path_traversal",
        "a.zip",
        _zip(Member(b"subdir/../../outside.txt")),
        "'..' component",
    ),
    "a file twice with one content": (
        "uv DuplicateLocalFileHeader, which lets equal ones pass; installer write_record_duplicate",
        "a.zip",
        _zip(Member(b"x"), Member(b"x")),
        "same path twice",
    ),
    "a file twice with two modes": (
        "uv DuplicateExecutableFileHeader",
        "a.zip",
        _zip(Member(b"x"), Member(b"x", mode=0o100755)),
        "same path twice",
    ),
    "a file twice in a tar": (
        "installer write_record_duplicate",
        "a.tar",
        _twice("lambda_function.py"),
        "same path twice",
    ),
    "a tar without an end whose file goes up": (
        "uv tar_wheel_traversal_is_not_recorded",
        "a.tar.zst",
        zstd.compress(tar_of(TAR_APP, member(b"../../../bin/victim", DATA), end=b"")),
        "'..' component",
    ),
    "a tar in a tar, by a size in pax": (
        "uv's tar-codec: a pax size that is not the header's",
        "a.tgz",
        gzip.compress(tar_of(pax(("size", b"0")), member(b"inner.tar", tar_of(TAR_APP)), TAR_APP)),
        "a pax size of 0",
    ),
    "a sparse file of GNU by pax": (
        "uv's tar-codec: vendor records that change what a file is",
        "a.tar",
        tar_of(pax(("GNU.sparse.name", b"lambda_function.py")), member(b"x", DATA)),
        "sparse",
    ),
}

UNUSED = "a release is unpacked and never installed: nothing reads this file"
OWN = "it does what it does natively, too: with the application's rights, and not before its start"
NATIVE = "Lambda's own unpacker gives the same file"
HARMLESS: dict[str, tuple[str, str, bytes, str]] = {
    # what it is: (the test it follows, the archive's name, its bytes, the reason why it may pass)
    "zip64 sizes of a deflated file": (
        "uv normal_deflate_zip64_extra",
        "a.zip",
        _zip(
            Member(
                b"x",
                method=8,
                local={"packed": FULL, "size": FULL},
                local_extra=zip64(len(DATA), len(MADE)),
                central={"packed": FULL, "size": FULL},
                extra=zip64(len(DATA), len(MADE)),
            )
        ),
        "both headers, and the stream, say the same",
    ),
    "a file below a folder without an entry": ("uv nosubdir", "a.zip", _zip(Member(b"a/b/x")), "the folder is implied"),
    "control bytes in the comment": (
        "uv 8bitcomment, which refuses them because a zip in the comment has some",
        "a.zip",
        _zip(comment=bytes(range(256))),
        "only one end record ends the file: a second one in the comment is refused by itself",
    ),
    "an entry with a comment": (
        "async-zip nonempty_cd_comment",
        "a.zip",
        _zip(Member(b"x", comment=b"c" * 99)),
        UNUSED,
    ),
    "a version that no reader knows": (
        "async-zip archive_rejects_unsupported_central_directory_extract_versions",
        "a.zip",
        _zip(Member(b"x", needs=0x03FF)),
        "features are refused by what they do to an entry: method, encryption, patches",
    ),
    "a zip within the data of a stored file with a descriptor": (
        "uv reject_invalid_streaming_zip",
        "a.zip",
        _described(descriptor(INNER), data=INNER),
        "its end is where the directory says, and the bytes up to there have its CRC; no reader here guesses an end",
    ),
    "a name of emoji and blanks": (
        "uv validate_archive_member_name",
        "a.zip",
        _zip(Member("🌈 i guess.py".encode(), flags=0x800)),
        NATIVE,
    ),
    "a name with a character that turns text around": (
        "uv validate_archive_member_name, which refuses every character of class C",
        "a.zip",
        _zip(Member("gpj.\u202eyp.txt".encode(), flags=0x800)),
        "one path for every tool; where a text shows it, it is escaped",
    ),
    "a link of a wheel": (
        "uv unzip, which writes a link as a file",
        "a.zip",
        _zip(Member(b"link", b"lambda_function.py", mode=0o120777)),
        "it stays inside the release",
    ),
    "records of vendors in pax": (
        "uv's tar-codec: SCHILY and LIBARCHIVE",
        "a.tar",
        tar_of(pax(("SCHILY.xattr.user.a", b"\xff\xfe"), ("LIBARCHIVE.creationtime", b"1")), TAR_APP),
        "they change neither name nor bytes",
    ),
    "a hard link": (
        "uv's tar-codec, which refuses them",
        "a.tar",
        tar_of(TAR_APP, member(b"copy.py", type=b"1", link=b"lambda_function.py")),
        "it becomes a copy of a file of the release, and counts as one",
    ),
    "no RECORD": (
        "installer rejects_no_record_on_validate",
        "a.zip",
        _wheel({"fancy-1.0.dist-info/RECORD": b"-"}),
        UNUSED,
    ),
    "a RECORD that lacks a file": (
        "uv handle_record_mismatches",
        "a.zip",
        _record("fancy-1.0.dist-info/RECORD,,"),
        UNUSED,
    ),
    "a RECORD that leads out": (
        "uv uninstall_record_path_traversal, record_with_absolute_paths",
        "a.zip",
        _record("../../../../etc/passwd,,0", "/etc/passwd,,", "..\\..\\x,,"),
        UNUSED,
    ),
    "a RECORD with a wrong hash": (
        "installer rejects_record_validation_failed",
        "a.zip",
        _record("fancy/__init__.py,sha256=pREiHcl39jRySUXMCOrwmSsnOay8FB7fOJP5mZQ3D3A,9"),
        UNUSED,
    ),
    "a RECORD with an unknown hash": (
        "installer rejects_record_containing_unknown_hash",
        "a.zip",
        _record("fancy/__init__.py,sha=AA,1"),
        UNUSED,
    ),
    "a RECORD with its own hash": (
        "installer rejects_record_contain_self_hash",
        "a.zip",
        _record("fancy-1.0.dist-info/RECORD,sha256=AA,5"),
        UNUSED,
    ),
    "a RECORD without hashes": (
        "installer rejects_record_missing_hash",
        "a.zip",
        _record("fancy/__init__.py,,"),
        UNUSED,
    ),
    "a RECORD of odd lines": (
        "installer rejects_wrong_element_count, invalid_elements",
        "a.zip",
        _record("file.py,sha256=AA,3144,", ",,", "a.py,,many", '"a,b.txt",,', "\x00\x01"),
        UNUSED,
    ),
    "a signature in RECORD": (
        "installer reject_signature_file_in_record",
        "a.zip",
        _wheel({"fancy-1.0.dist-info/RECORD.jws": b"{}", "fancy-1.0.dist-info/RECORD.p7s": b"x"}),
        UNUSED,
    ),
    "two descriptions of distributions": (
        "installer enforces_single_dist_info; uv reject_wheel_with_multiple_dist_info_directories",
        "a.zip",
        _wheel({"name-1.0.dist-info/METADATA": b"Name: name\n", "fancy-2.0.dist-info/METADATA": b"Name: fancy\n"}),
        "a release has many distributions; importlib.metadata sees what it sees natively",
    ),
    "a wheel of a later version": (
        "installer rejects_newer_major_wheel_versions",
        "a.zip",
        _wheel({"fancy-1.0.dist-info/WHEEL": b"Wheel-Version: 2.0\nTag: py3-none-any\n"}),
        UNUSED,
    ),
    "entry points that lead out, and take a Python's name": (
        "uv reject_wheel_entrypoint_paths, reject_normalized_reserved_wheel_entrypoint_name, and nine more",
        "a.zip",
        _wheel(
            {
                "fancy-1.0.dist-info/entry_points.txt": b"[console_scripts]\n../../python = a:b\npython3.13t = a:b\n"
                b"/etc/cron.d/x = a:b\nPython.PY = a:b\n[gui_scripts]\nnested/../pypy3 = a:b\n"
            }
        ),
        UNUSED,
    ),
    "entry points that are not UTF-8": (
        "uv invalid_utf8_entry_points",
        "a.zip",
        _wheel({"fancy-1.0.dist-info/entry_points.txt": b"[console_scripts]\n\xff\xfe = a:b\n"}),
        UNUSED,
    ),
    "scripts that take a Python's name": (
        "uv reject_reserved_wheel_data_script_name",
        "a.zip",
        _wheel({f"fancy-1.0.data/{place}": b"#!python\n" for place in ("scripts/python", "data/bin/Python.exe")}),
        "they stay in the folder that they are packed in",
    ),
    "every scheme of data, and one that is none": (
        "installer handles_data_properly, errors_out_when_given_invalid_scheme_in_data",
        "a.zip",
        _wheel(
            {
                f"fancy-1.0.data/{scheme}/fancy/{scheme}.py": b""
                for scheme in ("purelib", "platlib", "scripts", "headers", "data", "invalid")
            }
        ),
        "they stay in the folder that they are packed in",
    ),
    "bytecode of a wheel": (
        "installer skips_pycache_and_warns",
        "a.zip",
        _wheel({"fancy/__pycache__/__init__.cpython-312.pyc": b"\xcb\r\r\n" + bytes(12)}),
        OWN,
    ),
    "code that runs when Python starts": (
        "uv sitecustomize.py (zip2, zip3)",
        "a.zip",
        _wheel(
            {
                "evil.pth": b"import os; open('RAN', 'w')\n",
                "sitecustomize.py": b"open('RAN', 'w')\n",
                "usercustomize.py": b"open('RAN', 'w')\n",
                "json.py": b"open('RAN', 'w')\n",
            }
        ),
        OWN,
    ),
}
