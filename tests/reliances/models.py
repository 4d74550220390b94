"""botocore's models as the service reads them: botocore itself checks types and minima, and leaves the rest to AWS."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import boto3
from botocore.model import ServiceModel, Shape

from tests import template as sam


def misfits(service: str, operation: str, params: dict[str, Any]) -> Iterator[str]:
    """Name every value that is not as the operation's model allows."""
    yield from _of(_model(service).operation_model(operation).input_shape, params, operation)


@cache
def _model(service: str) -> ServiceModel:
    model: ServiceModel = boto3.client(service, sam.REGION).meta.service_model  # type: ignore[call-overload]  # any of them
    return model


def _of(shape: Any, value: Any, place: str) -> Iterator[str]:  # noqa: ANN401 - shapes are untyped in botocore
    match shape.type_name:
        case "structure":
            for name, one in value.items():
                yield from _of(shape.members[name], one, f"{place}.{name}")
        case "list":
            yield from _size(shape, len(value), place, "items")
            for one in value:
                yield from _of(shape.member, one, f"{place}[]")
        case "map":
            yield from _size(shape, len(value), place, "items")
            for name, one in value.items():
                yield from _of(shape.key, name, f"{place}.key")
                yield from _of(shape.value, one, f"{place}.{name}")
        case "string":
            yield from _text(shape, value, place)
        case "blob":
            yield from _size(shape, len(value), place, "bytes")
        case "integer" | "long":
            yield from _size(shape, value, place, "as a number")


def _text(shape: Shape, value: str, place: str) -> Iterator[str]:
    yield from _size(shape, len(value), place, "characters")
    if (allowed := shape.metadata.get("enum")) and value not in allowed:
        yield f"{place} is {value!r}, which is none of {allowed}"
    if (pattern := shape.metadata.get("pattern")) and not _compiled(pattern).fullmatch(value):
        yield f"{place} is {value!r}, which is not {pattern}"


def _size(shape: Shape, size: int, place: str, unit: str) -> Iterator[str]:
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max", size)
    if not least <= size <= most:
        yield f"{place} is {size} {unit}; allowed are {least} to {most}"


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
