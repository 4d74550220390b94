"""Pure: what provisioned concurrency costs, as an estimate: prices differ by Region, and agreements are private."""

from deployer.model.function import Architecture

PRICES: dict[Architecture, float] = {"x86_64": 0.0000041667, "arm64": 0.0000033334}
"""US dollars per GB-second that is configured, used or not, in us-east-1.

Source: AWS Lambda pricing, Provisioned Concurrency, https://aws.amazon.com/lambda/pricing/, as of November 2026.
"""
SOURCE = "list price of us-east-1, November 2026"
_HOUR = 3_600


def per_hour(environments: int, memory: int, architecture: Architecture) -> float:
    """Return the US dollars that environments with this many MB each cost per hour without calls."""
    return environments * memory / 1_024 * PRICES[architecture] * _HOUR
