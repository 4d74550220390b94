"""The tables of docs/aws.md, made of the rows and limits."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.reliances.limits import ENGINE, LIMITS, RATES, TEMPLATE
from tests.reliances.rows import PARTS, Row, reliances

PAGE = Path(__file__).parents[2] / "docs" / "aws.md"
_HEAD = ("AWS", "document", "AWS's own parts", "live test", "held by", "open")
_NONE = "–"  # noqa: RUF001 - as in the other tables
_GITHUB = "github/"


def reliance_tables() -> str:
    """Return the rows for which nothing stands, then the others by their areas."""
    known = reliances()
    bare = [row for row in known.all if not row.stands]
    tables = [f"{len(known.all)} rows; for {len(bare)} of them nothing of AWS's stands.", _parts()]
    tables.append("\n".join(["### Nothing stands for these", "", *_table(_HEAD, map(_cells, bare))]))
    for area, title in known.areas.items():
        rows = map(_cells, (row for row in known.rows[area] if row.stands))
        tables.append("\n".join([f"### {title}", "", *_table(_HEAD, rows)]))
    return "\n\n".join(tables)


def _parts() -> str:
    return "\n".join(f"* *{name}*: {what};" for name, what in PARTS.items()).removesuffix(";") + "."


def _cells(row: Row) -> tuple[str, ...]:
    documents = ", ".join(f"[{_name(one)}]({reliances().url(one)})" for one in row.documents)
    return row.says, documents, ", ".join(row.parts), _files(row.live), _files(row.held), row.open


def _name(document: str) -> str:
    """Return what a reader sees of a document: its page, or repository and number."""
    if document.startswith(_GITHUB):
        _, _, repository, _, number = document.split("/")
        return f"{repository}#{number}"
    return document.rpartition("/")[2].partition(".html")[0]


def _files(tests: Iterable[str]) -> str:
    names = dict.fromkeys(test.partition("::")[0].rpartition("/")[2] for test in tests)
    return ", ".join(f"`{name}`" for name in names)


def limit_tables() -> str:
    """Return the limits of requests, executions and templates, and the rates."""
    sizes = [(one.name, one.most, one.unit, one.source, ", ".join(one.operations)) for one in LIMITS]
    sizes += [(name, most, unit, source, "durable execution") for name, most, unit, source in ENGINE]
    sizes += [(name, most, unit, source, "template") for name, (most, unit, source) in TEMPLATE.items()]
    rates = [(f"{one.name}", f"{one.per_second:,}", f"[{_page(one.source)}]({one.source})") for one in RATES]
    cells = [(name, f"{most:,} {unit}", where, f"[{_page(url)}]({url})") for name, most, unit, url, where in sizes]
    tables = (
        _table(("limit", "at most", "of", "document"), cells),
        _table(("calls of an account", "a second", "document"), rates),
    )
    return "\n\n".join("\n".join(table) for table in tables)


def _page(url: str) -> str:
    return "#".join(url.rsplit("/", 3)[1::2]) if "/issues/" in url else url.rpartition("/")[2].partition(".html")[0]


def _table(head: Iterable[str], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    titles = list(head)
    yield f"| {' | '.join(titles)} |"
    yield f"|{'---|' * len(titles)}"
    for row in rows:
        yield f"| {' | '.join(cell or _NONE for cell in row)} |"
