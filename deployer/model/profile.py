"""Pure: the access profile that one start of an application left."""

from deployer.model.value import Value


class Profile(Value):
    """What one real start of the application touched, recorded at a smoke test; empty when nobody looked yet."""

    touched: tuple[str, ...] = ()
    """Paths in the order of first access."""
    milliseconds: tuple[int, ...] = ()
    """When each of `touched` was first read, counted from the first of them; empty when nobody took the time."""
    untouched: tuple[str, ...] = ()
    """Paths that were there and not needed; only these may arrive after the import has begun."""
