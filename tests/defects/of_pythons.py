"""Ways in which a function's own Python is forgotten: in its bytecode, its package, its access profile."""

from tests.defects.breaking import Defect

COMPILES, PACKAGES = "tests/pure/test_bytecode.py", "tests/pure/test_template_packages.py"
SUPPORTED = "tests/pure/test_supported_runtimes.py"

DEFECTS = (
    Defect(
        "bytecode is named for the deployer's own Python",
        "bytecode._tag",
        '"cpython-{}{}".format(*(options.python or ()))',
        "sys.implementation.cache_tag",
        (COMPILES,),
    ),
    Defect(
        "bytecode is compiled by the deployer's own Python",
        "_interpreter",
        "if python == sys.version_info[:2]:",
        "if python:",
        (COMPILES,),
    ),
    Defect(
        "bytecode is compared with its source at every start",
        "_bytecode",
        "_code_to_hash_pyc(codes[0], digest, False)",
        "_code_to_hash_pyc(codes[0], digest, True)",
        (COMPILES,),
    ),
    Defect(
        "a source that is no Python takes the bytecode of others with it",
        "compiler.UNFIT",
        "UNFIT = (SyntaxError, ValueError,",
        "UNFIT = (ValueError,",
        (COMPILES,),
    ),
    Defect(
        "bytecode differs with the folder that a release was unpacked in",
        "compiler.main",
        "_compile(os.fsdecode(name), int(optimization))",
        "_compile(os.path.join(folder, os.fsdecode(name)), int(optimization))  # noqa: PTH118",
        (COMPILES,),
    ),
    Defect(
        "a package is compiled for another Python than its function's",
        "Makefile",
        "$(if $(filter $(1),$(OWN)),,build/pythons/host/$(1)/)",
        "$(if $(filter $(1),$(OWN)),,build/pythons/host/3.12/)",
        (PACKAGES,),
    ),
    Defect(
        "a package has zstd's module for another Python than its function's",
        "Makefile",
        "$(if $(filter $(1),$(BACKPORTED)),$(SITE)/zstd-$(1)/)",
        "$(if $(filter $(1),$(BACKPORTED)),$(SITE)/zstd-3.13/)",
        (PACKAGES,),
    ),
    Defect(
        "a package that does not fit its Python ends in Python's own words",
        "bootstrap.__getattr__",
        'if error.name in ("_dropshift", "_dropshift.startup"):',
        'if error.name in ("dropshift",):',
        ("tests/end_to_end/test_bootstrap_start.py::test_a_package_of_another_runtime_says_so_in_one_clear_line",),
    ),
    Defect(
        "Python's own zstd is not looked for",
        "_native",
        '("_zstd", None),',
        "",
        (PACKAGES,),
    ),
    Defect(
        "a version is accepted that is not packaged",
        "runtime.SUPPORTED_PYTHONS",
        "SUPPORTED_PYTHONS = ((3, 12),",
        "SUPPORTED_PYTHONS = ((3, 11), (3, 12),",
        (SUPPORTED,),
    ),
)
