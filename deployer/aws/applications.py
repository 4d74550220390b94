"""Lambda and S3: the applications. One exists if its function does; no list of them is kept."""

import re
from collections.abc import Collection, Iterator

from deployer.aws.functions import Functions
from deployer.aws.records import Records
from deployer.settings import APPLICATION_NAME, Settings

_NAME = re.compile(APPLICATION_NAME)


class Applications(Collection[str]):
    """The applications of this deployer, by name.

    `in` asks Lambda for one function. A loop lists those that had a drop, whether their functions still exist or not.
    """

    def __init__(self, functions: Functions, records: Records, settings: Settings) -> None:
        self._functions = functions
        self._records = records
        self._settings = settings

    def __contains__(self, name: object) -> bool:
        if not (isinstance(name, str) and _NAME.fullmatch(name)):
            return False
        return self._functions.exists(self._settings.function(name))

    def __iter__(self) -> Iterator[str]:
        return iter(self._records.applications())

    def __len__(self) -> int:
        return len(self._records.applications())

    def with_undropped(self) -> list[str]:
        """List also those that never had a drop: an application's stack makes an alias of the controller for it.

        That takes a call of the control plane's narrow budget for fifty of them.
        """
        named = self._functions.alias_names(self._settings.aws_lambda_function_name)
        return sorted({*filter(_NAME.fullmatch, named), *self})

    def watched_by(self, alarm: str) -> str | None:
        """Return the application that an alarm watches by its name, `<function>-…`; the longest name counts."""
        return next((name for name in self._settings.watchable_by(alarm) if name in self), None)
