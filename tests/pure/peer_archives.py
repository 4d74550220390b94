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
    STREAMED,
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

UNREAD = _zip(Member(b"x", needs=0x03FF))
"""A sound zip that Python's zipfile refuses."""
STARTED = ("a.pth", "sitecustomize.py", "usercustomize.py", "json.py")
RUNS = _wheel(dict.fromkeys(STARTED, b"import os; open('RAN', 'w')\n"))
"""Code that runs when Python starts."""

REFUSED: dict[str, dict[str, bytes]] = {
    # words of what is found: the archives, by what they are and the test that each follows
    "data descriptor": {
        "a descriptor whose CRC is 0 (uv data_descriptor_bad_crc_0)": _described(
            b"PK\7\x08" + bytes(4) + descriptor(DATA)[8:]
        ),
        "a descriptor with another packed size (uv data_descriptor_bad_csize)": _described(
            descriptor(DATA, len(MADE) + 1), method=8
        ),
        "a descriptor with another size (uv data_descriptor_bad_usize)": _described(
            descriptor(DATA)[:-4] + b"\7\0\0\0"
        ),
        "a descriptor with another size, without signature (uv data_descriptor_bad_usize_no_sig)": _described(
            descriptor(DATA, signed=False)[:-4] + b"\7\0\0\0"
        ),
        "a zip64 descriptor with another packed size (uv data_descriptor_zip64_csize)": _described(
            descriptor(DATA, len(MADE) + 1, form="<IQQ"), method=8
        ),
        "a zip64 descriptor with another size (uv data_descriptor_zip64_usize)": _described(
            descriptor(DATA, form="<IQQ")[:-8] + (7).to_bytes(8, "little")
        ),
        "a descriptor twice (uv UnexpectedDataDescriptor)": _described(2 * descriptor(DATA)),
    },
    "another compressed size": {
        "zip64 in front with another packed size (uv zip64_extra_csize)": _zip(
            Member(b"x", local={"packed": FULL, "size": FULL}, local_extra=zip64(len(DATA), 9))
        )
    },
    "another size": {
        "zip64 in front with another size (uv zip64_extra_usize)": _zip(
            Member(b"x", local={"packed": FULL, "size": FULL}, local_extra=zip64(9, len(DATA)))
        )
    },
    "without a zip64": {
        "a full packed size in front, without zip64 (async-zip each_local_zip64_size_must_have_an_override)": _zip(
            Member(b"x", local={"packed": FULL})
        ),
        "a full size in front, without zip64 (async-zip zip64_local_sentinel_requires_recognized_extra_field)": _zip(
            Member(b"x", local={"size": FULL}, local_extra=extra(0xF00D, bytes(8)))
        ),
    },
    "too short": {
        "an empty zip64 field for full sizes (uv short_usize_zip64)": _zip(
            Member(b"x", central={"size": FULL, "packed": FULL}, extra=zip64(), local={"size": 9, "packed": len(DATA)})
        )
    },
    "0x7075 twice": {
        "a second name, twice (uv second_unicode_extra)": _zip(
            Member(b"x", extra=unicode_path(b"x", "x") + unicode_path(b"x", "lambda_function.py"))
        ),
        "a second name in front, twice (uv unicode_extra_chain)": _zip(
            Member(b"x", local_extra=unicode_path(b"x", "x") + unicode_path(b"x", "y"))
        ),
    },
    "Unicode path": {
        "a second name in front only (uv unicode_extra_chain)": _zip(
            Member(b"x", local_extra=unicode_path(b"x", "lambda_function.py"))
        ),
        "a name in GBK whose second name is UTF-8 (uv non_ascii_original_name)": _zip(
            Member(GBK, extra=unicode_path(GBK, "中文.txt"), local_extra=unicode_path(GBK, "中文.txt"))
        ),
    },
    "unused bytes": {
        "a zip64 end record of which its locator knows nothing (uv zip64_eocd_confusion)": _zip(
            end64={}, before_directory=END64
        )
    },
    "ends before or behind": {
        "a zip64 end record without a locator (async-zip directory_must_bind_to_end_record)": _zip().replace(
            b"PK\5\6", END64 + b"PK\5\6"
        ),
        "a directory of the fixed parts alone (async-zip directory_size_must_cover_variable_length_entries)": _zip(
            end={"size": 46}
        ),
        "two zips, one behind the other (uv reject_invalid_double_zip)": INNER + _zip(),
    },
    "extra data": {
        "a zip64 end record that is too short (async-zip zip64_end_record_size_must_cover_fixed_fields)": _zip(
            end64={"length": 43}
        )
    },
    "zip64 locator": {
        "a zip64 end record by another signature (async-zip zip64_locator_requires_end_record_signature)": _zip(
            end64={}
        ).replace(b"PK\6\6", b"PK\6\x09")
    },
    "18446744073709551615 entries": {
        "more entries than a number has (async-zip zip64_entry_count_must_fit_before_zip64_eocdr)": _zip(
            end64={"here": 2**64 - 1, "count": 2**64 - 1}, end={"here": 0xFFFF, "count": 0xFFFF}
        )
    },
    "behind the entries": {"a directory with a digital signature (async-zip, which lets it pass)": _signed()},
    "without entries": {
        "an empty zip with the longest comment (async-zip locator_empty_max_comment_test)": zip_of(
            comment=b"c" * 0xFFFF
        )
    },
    "another": {
        "a zip in an extra field (async-zip local_extra_field_must_not_overlap_later_local_header)": _zip(
            Member(b"x", local_extra=extra(0xCAFE, INNER), local={"packed": len(DATA) + 60, "size": len(DATA) + 60})
        )
    },
    "overlaps": {
        "an entry whose bytes reach into the next (async-zip entry_body_must_not_overlap_later_local_header)": _zip(
            Member(b"x", local={"packed": 60, "size": 60}, central={"packed": 60, "size": 60}), Member(b"y")
        )
    },
    "CRC-32": {
        "a directory with a CRC (uv stream: a directory's CRC is 0)": _zip(
            Member(b"lib/", b"", mode=0o40755, local={"crc": 5}, central={"crc": 5})
        )
    },
    "compressed by bzip2": {"bzip2 (uv fail_on_bz2_wheel)": _zip(Member(b"x", method=12))},
    "compressed by LZMA": {"LZMA (uv fail_on_lzma_wheel)": _zip(Member(b"x", method=14))},
    "control character": {
        "a name that goes on behind a NUL (async-zip nul_filenames_are_rejected)": _zip(
            Member(b"fancy-1.0.dist-info/RECORD\0")
        ),
        **{
            f"a name with {name} (uv validate_archive_member_name)": _zip(Member(text))
            for name, text in (("a tab", b"a\tb.py"), ("a carriage return", b"a\rb"), ("a backspace", b"a\x08b"))
        },
    },
    "'..' component": {
        "a path that goes up behind a folder (installer blocking_path_traversal)": _zip(
            Member(b"subdir/../../outside.txt")
        ),
        "a tar without an end whose file goes up (uv tar_wheel_traversal_is_not_recorded)": zstd.compress(
            tar_of(TAR_APP, member(b"../../../bin/victim", DATA), end=b"")
        ),
    },
    "same path twice": {
        "a file twice with one content (uv DuplicateLocalFileHeader, which lets equal ones pass)": _zip(
            Member(b"x"), Member(b"x")
        ),
        "a file twice with two modes (uv DuplicateExecutableFileHeader)": _zip(
            Member(b"x"), Member(b"x", mode=0o100755)
        ),
        "a file twice in a tar (installer write_record_duplicate)": _twice("lambda_function.py"),
    },
    "a pax size of 0": {
        "a tar in a tar, by a size in pax (uv's tar-codec: a pax size that is not the header's)": gzip.compress(
            tar_of(pax(("size", b"0")), member(b"inner.tar", tar_of(TAR_APP)), TAR_APP)
        )
    },
    "sparse": {
        "a sparse file of GNU by pax (uv's tar-codec: vendor records that change what a file is)": tar_of(
            pax(("GNU.sparse.name", b"lambda_function.py")), member(b"x", DATA)
        )
    },
}

UNUSED = "a release is unpacked and never installed: nothing reads this file"
OWN = "it does what it does natively, too: with the application's rights, and not before its start"
NATIVE = "Lambda's own unpacker gives the same file"
HARMLESS: dict[str, dict[str, bytes]] = {
    # the reason why they may pass: the archives, as above
    "both headers, and the stream, say the same": {
        "zip64 sizes of a deflated file (uv normal_deflate_zip64_extra)": _zip(
            Member(
                b"x",
                method=8,
                local={"packed": FULL, "size": FULL},
                local_extra=zip64(len(DATA), len(MADE)),
                central={"packed": FULL, "size": FULL},
                extra=zip64(len(DATA), len(MADE)),
            )
        )
    },
    "the folder is implied": {"a file below a folder without an entry (uv nosubdir)": _zip(Member(b"a/b/x"))},
    "only one end record ends the file: a second one in the comment is refused by itself": {
        "control bytes in the comment (uv 8bitcomment, which refuses them because a zip in the comment has some)": _zip(
            comment=bytes(range(256))
        )
    },
    UNUSED: {
        "an entry with a comment (async-zip nonempty_cd_comment)": _zip(Member(b"x", comment=b"c" * 99)),
        "no RECORD (installer rejects_no_record_on_validate)": _wheel({"fancy-1.0.dist-info/RECORD": b"-"}),
        "a RECORD that lacks a file (uv handle_record_mismatches)": _record("fancy-1.0.dist-info/RECORD,,"),
        "a RECORD that leads out (uv uninstall_record_path_traversal, record_with_absolute_paths)": _record(
            "../../../../etc/passwd,,0", "/etc/passwd,,", "..\\..\\x,,"
        ),
        "a RECORD with a wrong hash (installer rejects_record_validation_failed)": _record(
            "fancy/__init__.py,sha256=pREiHcl39jRySUXMCOrwmSsnOay8FB7fOJP5mZQ3D3A,9"
        ),
        "a RECORD with an unknown hash (installer rejects_record_containing_unknown_hash)": _record(
            "fancy/__init__.py,sha=AA,1"
        ),
        "a RECORD with its own hash (installer rejects_record_contain_self_hash)": _record(
            "fancy-1.0.dist-info/RECORD,sha256=AA,5"
        ),
        "a RECORD without hashes (installer rejects_record_missing_hash)": _record("fancy/__init__.py,,"),
        "a RECORD of odd lines (installer rejects_wrong_element_count, invalid_elements)": _record(
            "file.py,sha256=AA,3144,", ",,", "a.py,,many", '"a,b.txt",,', "\x00\x01"
        ),
        "a signature in RECORD (installer reject_signature_file_in_record)": _wheel(
            {"fancy-1.0.dist-info/RECORD.jws": b"{}", "fancy-1.0.dist-info/RECORD.p7s": b"x"}
        ),
        "a wheel of a later version (installer rejects_newer_major_wheel_versions)": _wheel(
            {"fancy-1.0.dist-info/WHEEL": b"Wheel-Version: 2.0\nTag: py3-none-any\n"}
        ),
        "entry points that lead out, and take a Python's name (uv reject_wheel_entrypoint_paths)": _wheel(
            {
                "fancy-1.0.dist-info/entry_points.txt": b"[console_scripts]\n../../python = a:b\npython3.13t = a:b\n"
                b"/etc/cron.d/x = a:b\nPython.PY = a:b\n[gui_scripts]\nnested/../pypy3 = a:b\n"
            }
        ),
        "entry points that are not UTF-8 (uv invalid_utf8_entry_points)": _wheel(
            {"fancy-1.0.dist-info/entry_points.txt": b"[console_scripts]\n\xff\xfe = a:b\n"}
        ),
    },
    "features are refused by what they do to an entry: method, encryption, patches": {
        "a version that no reader knows (async-zip archive_rejects_unsupported_extract_versions)": UNREAD
    },
    "its end is where the directory says, and the bytes up to there have its CRC; no reader here guesses an end": {
        "a zip within the data of a stored file with a descriptor (uv reject_invalid_streaming_zip)": _described(
            descriptor(INNER), data=INNER
        )
    },
    NATIVE: {
        "a name of emoji and blanks (uv validate_archive_member_name)": _zip(
            Member("🌈 i guess.py".encode(), flags=0x800)
        )
    },
    "one path for every tool; where a text shows it, it is escaped": {
        "a name that turns text around (uv, which refuses every character of class C)": _zip(
            Member("gpj.\u202eyp.txt".encode(), flags=0x800)
        )
    },
    "it stays inside the release": {
        "a link of a wheel (uv unzip, which writes a link as a file)": _zip(
            Member(b"link", b"lambda_function.py", mode=0o120777)
        )
    },
    "they change neither name nor bytes": {
        "records of vendors in pax (uv's tar-codec: SCHILY and LIBARCHIVE)": tar_of(
            pax(("SCHILY.xattr.user.a", b"\xff\xfe"), ("LIBARCHIVE.creationtime", b"1")), TAR_APP
        )
    },
    "it becomes a copy of a file of the release, and counts as one": {
        "a hard link (uv's tar-codec, which refuses them)": tar_of(
            TAR_APP, member(b"copy.py", type=b"1", link=b"lambda_function.py")
        )
    },
    "a release has many distributions; importlib.metadata sees what it sees natively": {
        "two descriptions of distributions (installer enforces_single_dist_info)": _wheel(
            {"name-1.0.dist-info/METADATA": b"Name: name\n", "fancy-2.0.dist-info/METADATA": b"Name: fancy\n"}
        )
    },
    "they stay in the folder that they are packed in": {
        "scripts that take a Python's name (uv reject_reserved_wheel_data_script_name)": _wheel(
            {f"fancy-1.0.data/{place}": b"#!python\n" for place in ("scripts/python", "data/bin/Python.exe")}
        ),
        "every scheme of data, and an unknown one (installer handles_data_properly)": _wheel(
            {
                f"fancy-1.0.data/{scheme}/fancy/{scheme}.py": b""
                for scheme in ("purelib", "platlib", "scripts", "headers", "data", "invalid")
            }
        ),
    },
    OWN: {
        "bytecode of a wheel (installer skips_pycache_and_warns)": _wheel(
            {"fancy/__pycache__/__init__.cpython-312.pyc": b"\xcb\r\r\n" + bytes(12)}
        ),
        "code that runs when Python starts (uv sitecustomize.py)": RUNS,
    },
}
