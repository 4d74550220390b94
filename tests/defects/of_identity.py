"""Defects by which an application could tell that it was not deployed natively."""

from tests.defects.breaking import Defect

_PYTHON = "tests/end_to_end/test_bootstrap_identity.py"
_NODE = "tests/end_to_end/test_bootstrap_node_identity.py"

DEFECTS = (
    Defect(
        "under Node, libraries are searched for where they were before",
        "bootstrap/node/environment.mjs",
        "if (!options && !wrapper && !lacks(given, old, root)) return;",
        "if (!options && !wrapper) return;",
        (f"{_NODE}::test_a_shared_library_is_found_in_every_form",),
    ),
    Defect(
        "under Node, a variable that names the task root names the bootstrap",
        "bootstrap/node/environment.mjs",
        "[name, value === ENTRY ? handler : moved(value, old, root)]",
        "[name, value === ENTRY ? handler : value]",
        (f"{_NODE}::test_variables_that_name_a_place_below_the_task_root_mean_the_release",),
    ),
    Defect(
        "under Node, a place whose name begins like the task root's is taken for it",
        "bootstrap/node/environment.mjs",
        "${BEFORE_PATH}${literal}(?![\\w.~-])`",
        "${BEFORE_PATH}${literal}`",
        (f"{_NODE}::test_variables_that_name_a_place_beside_the_task_root_stay_as_they_are",),
    ),
    Defect(
        "under Node, a tree that was changed is used again",
        "bootstrap/node/tree.mjs",
        "seen.ctimeNs < since && is(seen)",
        "is(seen)",
        (f"{_NODE}::test_after_a_restart_what_runs_is_what_was_verified",),
    ),
    Defect(
        "a variable that names the task root names the bootstrap",
        "native.changed",
        "name: handler if value == ENTRY else moved(value, old, root)",
        "name: handler if value == ENTRY else value",
        (f"{_PYTHON}::test_variables_that_name_a_place_below_the_task_root_mean_the_release",),
    ),
    Defect(
        "a layer that comes back finds another module called bootstrap",
        "bootstrap.__getattr__",
        "sys.modules.setdefault(__name__, module)",
        "",
        (f"{_PYTHON}::test_a_layer_whose_wrapper_replaces_the_handler_works",),
    ),
    Defect(
        "what Node loads first of the release is not refused",
        "check_compatibility",
        "launch_variables.check(candidate)",
        "",
        ("tests/pure/test_compatibility_launch.py",),
    ),
    Defect(
        "S3 in the European Sovereign Cloud is looked for in another cloud",
        "aws_environment.SUFFIXES",
        '("eusc-", "amazonaws.eu"),',
        "",
        ("tests/pure/test_bootstrap_endpoint.py",),
    ),
)
