"""Pure: the base class of every value of the deployer."""

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """A frozen value that refuses unknown fields: parsed once where it arrives, trusted afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid")
