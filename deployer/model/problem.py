"""Pure: one thing that is wrong with an input."""

from deployer.model.value import Value


class Problem(Value):
    """One thing that is wrong with an input, in words that tell the reader what to change."""

    where: str
    """The path inside the archive, the manifest's field or the command's field; "archive" for the whole."""
    found: str
    allowed: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.found}; allowed: {self.allowed}; {self.remedy}"
