"""Pure: what every value of the deployer has in common."""

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """A frozen value that refuses unknown fields: parsed once at the door, trusted from then on."""

    model_config = ConfigDict(frozen=True, extra="forbid")
