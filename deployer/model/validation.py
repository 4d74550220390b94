"""Pure: the value that pydantic expected, in plain words."""

from pydantic_core import ErrorDetails

_WORDS = {
    "missing": "a value",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "dict_type": "a table",
    "list_type": "a list",
    "tuple_type": "a list",
    "string_type": "text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "invalid-json-value": "a JSON value",
    "literal_error": "{expected}",
    "enum": "{expected}",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "string_too_short": "at least {min_length} characters",
    "string_too_long": "at most {max_length} characters",
    "too_short": "at least {min_length} items",
    "too_long": "at most {max_length} items",
}
"""By pydantic's error type. Source: pydantic documentation, "Validation Errors"."""


def allowed(detail: ErrorDetails) -> str:
    """Return the values that would be accepted; the message of a validator of ours has them already."""
    words = _WORDS.get(detail["type"])
    if words is None:
        return detail["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    return words.format_map(detail.get("ctx", {}))
