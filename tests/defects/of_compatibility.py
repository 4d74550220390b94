"""Ways to refuse what runs, to let pass what cannot, or to end the inspector, and the tests that have to notice."""

from tests.defects.breaking import Defect

PYTHON, NODE = "tests/pure/test_compatibility_python.py", "tests/pure/test_compatibility_programs.py"
NATIVE, DISTRIBUTIONS = "tests/pure/test_compatibility_native.py", "tests/pure/test_compatibility_distributions.py"
RESOURCES = "tests/pure/test_compatibility_resources.py"
BROUGHT = f"{PYTHON}::test_a_handler_that_something_else_may_bring_is_only_warned_of"

DEFECTS = (
    Defect(
        "a layer brings no handler",
        "brought_by",
        "if candidate.function.layers or handler.startswith(_LAYERS):",
        "if handler.startswith(_LAYERS):",
        (f"{BROUGHT}[a layer]",),
    ),
    Defect(
        "a launcher brings no modules",
        "brought_by.code",
        "code = [*on_the_way, *_site_files(candidate)]",
        "code = [*_site_files(candidate)]",
        (f"{BROUGHT}[a launcher]",),
    ),
    Defect(
        "PYTHONPATH leads nowhere in the archive",
        "roots.named",
        "named = [*candidate.function.module_path]",
        "named: list[str] = []",
        (f"{PYTHON}::test_a_handler_is_found_where_the_function_s_path_and_path_files_lead",),
    ),
    Defect(
        "an expression is walked by recursion",
        "_stores",
        "todo += [child for child in ast.iter_child_nodes(node) if not isinstance(child, _BLOCKS)]",
        "children = [child for child in ast.iter_child_nodes(node) if not isinstance(child, _BLOCKS)]\n"
        "if any(_stores(child, name) for child in children):  # type: ignore[arg-type]\n"
        "    return True",
        (f"{PYTHON}::test_a_source_of_any_depth_is_walked",),
    ),
    Defect(
        "a branch decides about a name as a statement does",
        "bindings",
        "if certain and ways:",
        "if ways:",
        (f"{PYTHON}::test_a_handler_is_found_however_it_is_bound",),
    ),
    Defect(
        "a constant is a handler",
        "_check_natures",
        'elif natures == {"constant"}:',
        'elif natures == {"never"}:',
        (f"{PYTHON}::test_a_handler_that_plainly_is_no_function_is_refused",),
    ),
    Defect(
        "a constant is a Node.js handler",
        "node_handler._is_constant",
        "return once and re.search(",
        "return not once and re.search(",
        (f"{NODE}::test_a_node_handler_is_looked_at_as_node_would",),
    ),
    Defect(
        "syntax newer than the deployer's own is refused",
        "_not_python",
        "if version > sys.version_info[:2]:",
        "if version > (99, 0):",
        (f"{PYTHON}::test_syntax_that_is_newer_than_the_deployer_s_own_python_is_only_warned_of",),
    ),
    Defect(
        "the tags of a wheel are spelt out without end",
        "_tags",
        'parse_tag(line.decode("ascii", "replace"), limit=_TAGS - len(found))',
        'parse_tag(line.decode("ascii", "replace"))',
        (f"{DISTRIBUTIONS}::test_more_tags_than_a_wheel_has_are_not_looked_at[lines]",),
    ),
    Defect(
        "wheels of newer glibcs fit",
        "_platforms.names",
        "for minor in range(GLIBC[1], 4, -1)]",
        "for minor in range(99, 4, -1)]",
        (f"{DISTRIBUTIONS}::test_a_wheel_that_was_installed_for_another_machine_is_refused",),
    ),
    Defect(
        "what lies in a virtual environment counts",
        "Candidate.counts",
        "return not path.startswith(self.environments)",
        "return bool(path)",
        (f"{DISTRIBUTIONS}::test_a_packed_virtual_environment_is_no_reason_to_refuse_and_should_be_left_out",),
    ),
    Defect(
        "bytecode beside its source counts",
        "bytecode.check",
        'for suffix in (*candidate.machine.extension_suffixes, ".py"))',
        "for suffix in candidate.machine.extension_suffixes)",
        (f"{DISTRIBUTIONS}::test_bytecode_of_another_python_without_its_source_is_warned_of",),
    ),
    Defect(
        "each directory of prebuilds is a family of its own",
        "_addon_faults",
        '_PLATFORMS.sub("", _package(path))',
        'path.rpartition("/")[0]',
        (f"{NATIVE}::test_an_addon_of_a_package_that_fits_is_enough_however_its_directory_is_called",),
    ),
    Defect(
        "a library is kept whole to read its head",
        "Excerpt.write",
        "self._parts = _merged([(0, _HEAD), *elf.parts(self._head, self._size)])",
        "self._parts = [(0, self._size)]",
        (f"{NATIVE}::test_a_library_takes_no_more_disk_than_its_names_and_its_dynamic_section",),
    ),
    Defect(
        "only the first segment of a library is kept",
        "parts.named",
        "named = [segment for segment in loaded if segment is loaded[0] or not segment.code]",
        "named = loaded[:1]",
        (f"{NATIVE}::test_the_kept_parts_of_a_library_say_what_the_whole_file_says",),
    ),
    Defect(
        "an offset beyond the end of an ELF file is only not kept",
        "_File.exactly",
        "> self.size:\n    raise _BrokenError",
        "> self.size:\n    raise _NotKeptError",
        (f"{NATIVE}::test_an_elf_file_with_a_damaged_field_is_refused",),
    ),
    Defect(
        "a program without its x bit is passed over",
        "native_code._faults",
        "_warn_of_programs(candidate)",
        "",
        (f"{NATIVE}::test_a_program_that_lost_its_x_bit_is_warned_of_and_a_library_is_not",),
    ),
    Defect(
        "every runtime has a bootstrap",
        "Machine.supported",
        "return self.python in SUPPORTED_PYTHONS or (self.node or 0) >= OLDEST_NODE",
        "return self.python is not None or self.node is not None",
        (f"{RESOURCES}::test_a_runtime_that_the_bootstrap_does_not_run_in_is_refused_by_name",),
    ),
    Defect(
        "a release in a folder of its own is not recognised",
        "Candidate._only_folder.tops",
        'tops = {path.partition("/")[0] for path in files} - _LEFT_BY_MACOS',
        'tops = {path.partition("/")[0] for path in files}',
        (f"{PYTHON}::test_a_release_that_lies_in_a_folder_of_its_own_has_packing_its_content_as_its_way_out",),
    ),
    Defect(
        "layers and paths of a function are not read",
        "function_answers.configuration",
        'layers=tuple(layer["Arn"] for layer in found.get("Layers", ())),',
        "",
        ("tests/pure/test_function_configuration.py",),
    ),
    Defect(
        "variables that cannot be read are an empty environment",
        "_environment_error",
        'return str(found.get("Environment", {}).get("Error", {}).get("Message", ""))',
        'return ""',
        ("tests/pure/test_function_configuration.py",),
    ),
    Defect(
        "versions that differ share the traffic",
        "deployed_function.check",
        "function.differs if candidate.manifest.rollout.plan() else ():",
        "() if candidate.manifest.rollout.plan() else function.differs:",
        (f"{RESOURCES}::test_versions_that_differ_may_follow_each_other_all_at_once",),
    ),
)
