"""CloudFormation passes on what it drops upstream: DurableConfig, dead letter queue and reserved concurrency.

Of an account's concurrency 100 must be left unreserved, else the function is refused.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-function.html
"""

from collections.abc import Callable
from typing import Any

from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners

from tests.local.upstream import around, needs

type Properties = dict[str, Any]
CONCURRENCY = 1_000
"""Of an account, by default."""
UNRESERVED = 100
"""Of it, that must be left to functions without a reserve."""


def lambda_create(
    original: Callable[..., tuple[str, object]], logical_id: str, props: Properties, stack_name: str
) -> tuple[str, object]:
    """Create the function, then add what was left out."""
    name, attributes = original(logical_id, props, stack_name)
    _complete(name, props)
    return name, attributes


def lambda_update(
    original: Callable[..., tuple[str, object]],
    physical_id: str,
    old_props: Properties,
    new_props: Properties,
    stack_name: str,
    logical_id: str | None = None,
) -> tuple[str, object]:
    """Update the function, then add what was left out."""
    name, attributes = original(physical_id, old_props, new_props, stack_name, logical_id)
    _complete(name, new_props)
    return name, attributes


def _complete(name: str, props: Properties) -> None:
    config = lambda_svc._functions[name]["config"]
    if "DurableConfig" in props:
        given = props["DurableConfig"]
        config["DurableConfig"] = {key: value if key == "KMSKeyArn" else int(value) for key, value in given.items()}
    if "DeadLetterConfig" in props:
        config["DeadLetterConfig"] = props["DeadLetterConfig"]
    _reserve(name, int(props["ReservedConcurrentExecutions"]) if "ReservedConcurrentExecutions" in props else None)


def _reserve(name: str, wanted: int | None) -> None:
    others = sum(one["concurrency"] or 0 for key, one in lambda_svc._functions.items() if key != name)
    if wanted and CONCURRENCY - others - wanted < UNRESERVED:
        raise ValueError(
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution"
            f" below its minimum value of [{UNRESERVED}]."
        )
    lambda_svc._functions[name]["concurrency"] = wanted


def install() -> None:
    """Complete functions that stacks create and update."""
    needs(lambda_svc, "_functions")
    needs(provisioners, "_RESOURCE_HANDLERS")
    around(provisioners, "_lambda_create", lambda_create)
    around(provisioners, "_lambda_update", lambda_update)
    handlers: Any = provisioners._RESOURCE_HANDLERS
    handlers["AWS::Lambda::Function"] |= {"create": provisioners._lambda_create, "update": provisioners._lambda_update}
