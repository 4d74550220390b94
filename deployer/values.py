"""Pure: what every value of the deployer has in common."""

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """A frozen value that refuses unknown fields: parsed once at the door, trusted from then on."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Problem(Value):
    """One thing that is wrong with an input, in words that tell the reader what to change."""

    where: str
    """The path inside the archive, the manifest's field or the command's field; "archive" for the whole."""
    found: str
    allowed: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.found}; allowed: {self.allowed}; {self.remedy}"
