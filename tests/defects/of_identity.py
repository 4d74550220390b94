"""Defects by which an application could tell that it was not deployed natively."""

from tests.defects.breaking import Defect

_PYTHON = "tests/end_to_end/test_bootstrap_identity.py"
_NODE = "tests/end_to_end/test_bootstrap_node_identity.py"
_NODE_CLIENT = "tests/end_to_end/test_bootstrap_node_client.py"
_NODE_KEEPS = f"{_NODE_CLIENT}::test_a_dropped_application_keeps_what_the_client_promises"
_CLIENT = "tests/end_to_end/test_bootstrap_python_client.py"
_KEEPS = f"{_CLIENT}::test_a_dropped_application_keeps_what_the_client_promises"
_EARLY = f"{_CLIENT}::test_an_invocation_that_is_taken_early_keeps_it_too"

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
    Defect(
        "an invocation that was taken early has its time limit as text",
        "early._typed",
        'int(value) if name == DEADLINE else value.encode("latin-1")',
        'value.encode("latin-1")',
        (f"{_EARLY}[a whole context]",),
    ),
    Defect(
        "the headers of an invocation that was taken early are read as Latin-1",
        "early._typed",
        'value.encode("latin-1").decode("utf-8", "replace") or None',
        "value or None",
        (f"{_EARLY}[a context in UTF-8]",),
    ),
    Defect(
        "an application that replaces json's functions cannot be loaded",
        "lines.send",
        "encode(message).encode()",
        'json.dumps(message, separators=(",", ":")).encode()',
        (f"{_KEEPS}[a JSON encoder that the application changes]",),
    ),
    Defect(
        "an init that fails after the hand-over is not warned of in the log",
        "ColdStart.failed",
        "runtime_client.warn_of_failed_init()",
        "",
        (f"{_EARLY}[a handler that another module would have]",),
    ),
    Defect(
        "under Node, a package.json above node_modules makes what is in it a module",
        "bootstrap/node/handler.mjs",
        '!at.endsWith("/node_modules")',
        "at",
        (f"{_NODE_KEEPS}[node_modules below a package of modules-nodejs22.x]",),
    ),
    Defect(
        "under Node, a package.json that does not parse is an error of the application",
        "bootstrap/node/handler.mjs",
        "      return false;\n    }\n    if (at",
        "      throw error;\n    }\n    if (at",
        (f"{_NODE_KEEPS}[a package.json that does not parse-nodejs22.x]",),
    ),
    Defect(
        "under Node, a handler's name may have two dots",
        "bootstrap/node/handler.mjs",
        'if (handler.includes(".."))',
        "if (false)",
        (f"{_NODE_KEEPS}[two dots-nodejs26.x]",),
    ),
    Defect(
        "under Node, a later client looks into functions, too",
        "bootstrap/node/handler.mjs",
        'value && (REQUIRES || typeof value === "object")',
        "value",
        (f"{_NODE_KEEPS}[nested in a function-nodejs26.x]",),
    ),
)
