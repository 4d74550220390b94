"""The other end of botocore: HTTP requests in, HTTP answers out, both in the form of the service model.

The deployer's real clients serialise, sign, retry and parse; nothing goes over a network. A field that the model does
not know is an error on either side.
"""

import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree as ET

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.model import OperationModel, Shape

_ROOT = re.compile(r"\{.*\}")


@dataclass
class ServiceError(Exception):
    """A service's refusal, as its API reference names it."""

    code: str
    status: int
    message: str = "as injected or as the rules of the service say"


class _Body(io.BytesIO):
    """Bytes as urllib3 hands them out."""

    def stream(self, *_: object, **__: object) -> Iterator[bytes]:
        yield self.read()


# --- requests ----------------------------------------------------------------------------------------------------


def understand(operation: OperationModel, request: AWSPreparedRequest) -> dict[str, Any]:
    """Read the operation's parameters out of a request."""
    if operation.service_model.resolved_protocol == "json":
        params: dict[str, Any] = json.loads(_body(request))
        return params
    return dict(_rest(operation, request))


def _rest(operation: OperationModel, request: AWSPreparedRequest) -> Iterator[tuple[str, Any]]:
    expected: Any = operation.input_shape
    url, body = urlsplit(request.url), _body(request)
    found = {**_in_path(operation, url.path), "Bucket": (url.hostname or "").split(".s3.")[0]}
    query = parse_qs(url.query, keep_blank_values=True)
    headers = {name.lower(): _text(value) for name, value in request.headers.items()}
    inside = {} if "payload" in expected.serialization else json.loads(body or b"{}")
    for name, shape in expected.members.items():
        wire = shape.serialization.get("name", name)
        match shape.serialization.get("location"):
            case "uri" if name in found:
                yield name, found[name]
            case "querystring" if wire in query:
                yield name, _scalar(shape, query[wire][0])
            case "header" if wire.lower() in headers:
                yield name, _scalar(shape, headers[wire.lower()])
            case "headers":
                prefix = wire.lower()
                yield name, {key[len(prefix) :]: value for key, value in headers.items() if key.startswith(prefix)}
            case None if name == expected.serialization.get("payload"):
                yield name, body if shape.type_name == "blob" else _parsed(shape, body)
            case None if wire in inside:
                yield name, inside[wire]
            case _:
                pass


def _parsed(shape: Shape, body: bytes) -> Any:  # noqa: ANN401 - whatever the shape is
    return _from_xml(shape, ET.fromstring(body))  # noqa: S314 - botocore wrote it


def _in_path(operation: OperationModel, path: str) -> dict[str, str]:
    template = operation.http["requestUri"].partition("?")[0]
    pattern = re.sub(r"\{(\w+)(\+?)\}", lambda part: f"(?P<{part[1]}>{'.*' if part[2] else '[^/]*'})", template)
    found = re.fullmatch(pattern, path)
    return {name: unquote(value) for name, value in found.groupdict().items()} if found else {}


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _scalar(shape: Shape, text: str) -> Any:  # noqa: ANN401 - whatever the shape is
    kinds: dict[str, Callable[[str], Any]] = {"integer": int, "long": int, "boolean": lambda word: word == "true"}
    return kinds.get(shape.type_name, str)(text)


def _body(request: AWSPreparedRequest) -> bytes:
    """Return what was sent, without the chunks that carry a checksum behind it."""
    body: Any = request.body
    sent = body.read() if hasattr(body, "read") else body or b""
    raw = sent.encode() if isinstance(sent, str) else bytes(sent)
    chunked = _text(request.headers.get("Content-Encoding", "")) == "aws-chunked"
    return b"".join(_chunks(raw)) if chunked else raw


def _chunks(raw: bytes) -> Iterator[bytes]:
    while raw:
        head, _, rest = raw.partition(b"\r\n")
        size = int(head, 16)
        if not size:
            return
        yield rest[:size]
        raw = rest[size + 2 :]


def _from_xml(shape: Any, element: ET.Element) -> Any:  # noqa: ANN401 - shapes are untyped in botocore
    if shape.type_name == "structure":
        return dict(_members(shape, element))
    return _scalar(shape, element.text or "")


def _members(shape: Any, element: ET.Element) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - as above
    for name, member in shape.members.items():
        found = [one for one in element if _ROOT.sub("", one.tag) == member.serialization.get("name", name)]
        if found and member.type_name == "list":
            yield name, [_from_xml(member.member, one) for one in found]
        elif found:
            yield name, _from_xml(member, found[0])


# --- answers -----------------------------------------------------------------------------------------------------


def answer(operation: OperationModel, url: str, result: Mapping[str, Any]) -> AWSResponse:
    """Write an operation's result as the service would; raises KeyError for a field that the model does not know."""
    shape = operation.output_shape
    members = shape.members if shape else {}
    headers: dict[str, str] = {}
    status, payload, inside = operation.http.get("responseCode", 200), b"", {}
    for name, value in result.items():
        member = members[name]
        location, wire = member.serialization.get("location"), member.serialization.get("name", name)
        if location == "statusCode":
            status = value
        elif location == "header":
            headers[wire] = _header(value)
        elif location == "headers":
            headers |= {f"{wire}{key}": text for key, text in value.items()}
        elif name == (shape.serialization.get("payload") if shape else None):
            payload = value
        else:
            inside[name] = value
    return _response(url, status, headers, payload or _written(operation, inside))


def _header(value: object) -> str:
    return value.strftime("%a, %d %b %Y %H:%M:%S GMT") if isinstance(value, datetime) else str(value)


def _written(operation: OperationModel, inside: dict[str, Any]) -> bytes:
    if operation.service_model.resolved_protocol == "rest-xml":
        return b"".join(_to_xml(operation.output_shape, "Result", inside)) if inside else b""
    return json.dumps(inside, default=lambda moment: moment.timestamp()).encode()


def _to_xml(shape: Any, name: str, value: Any) -> Iterator[bytes]:  # noqa: ANN401 - shapes are untyped in botocore
    if shape.type_name == "list":
        for one in value:
            yield from _to_xml(shape.member, name, one)
        return
    yield f"<{name}>".encode()
    if shape.type_name == "structure":
        for key, one in value.items():
            member = shape.members[key]
            yield from _to_xml(member, member.serialization.get("name", key), one)
    else:
        yield _escaped(value)
    yield f"</{name}>".encode()


def _escaped(value: object) -> bytes:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z").encode()
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").encode()


def refuse(operation: OperationModel, url: str, error: ServiceError) -> AWSResponse:
    """Write a refusal as the service would; the answer to a HEAD request has no body, but the bucket's region.

    botocore asks again after a 400, which may mean another region. Source: Amazon S3 API reference, HeadBucket.
    """
    if operation.http["method"] == "HEAD":
        return _response(url, error.status, {"x-amz-bucket-region": "eu-central-1"}, b"")
    if operation.service_model.resolved_protocol == "rest-xml":
        body = f"<Error><Code>{error.code}</Code><Message>{error.message}</Message></Error>".encode()
        return _response(url, error.status, {}, body)
    body = json.dumps({"__type": error.code, "Message": error.message}).encode()
    return _response(url, error.status, {"x-amzn-ErrorType": error.code}, body)


def _response(url: str, status: int, headers: Mapping[str, str], body: bytes) -> AWSResponse:
    sent: Any = {"content-length": str(len(body)), **headers}
    return AWSResponse(url, status, sent, _Body(body))
