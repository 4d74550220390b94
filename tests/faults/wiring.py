"""The deployer's own clients and handlers, made to live in a world of ours: its account, its time, its paper."""

import io
import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from functools import cache
from types import SimpleNamespace
from typing import Any, ClassVar, Protocol

import boto3
import botocore.endpoint
import pytest
from botocore import UNSIGNED, loaders
from botocore.retries import quota
from botocore.session import get_session
from botocore.useragent import UserAgentString

from deployer import controller
from deployer.aws import Aws, upload
from deployer.model import stages
from deployer.rollout import run
from deployer.rollout.steps import bundling
from deployer.sandbox import process
from deployer.settings import Settings
from deployer.telemetry import logger
from tests.faults.account import BUNDLES, RELEASES, Account
from tests.faults.buckets import ACCOUNT
from tests.faults.functions import CONTROLLER
from tests.guests import guest_thread

HOLD_CHECKS = 10
"""A hold of two hundred looks is ten looks, over and over; each replays all that were before."""
REGION = "eu-central-1"
ROLLOUT = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:dropshift-rollout:live"


def context(alias: str = "", client: object = None) -> Any:  # noqa: ANN401 - the runtime's, of which this is a part
    """Lambda's context of an invocation of the controller, through an alias or without one."""
    return SimpleNamespace(
        function_name="controller",
        memory_limit_in_mb=256,
        invoked_function_arn=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:controller" + (f":{alias}" if alias else ""),
        aws_request_id="0b6a0e2e-8c1e-4a55-9d24-31c1f0d4a0aa",
        client_context=SimpleNamespace(custom=client, env=None, client=None) if client is not None else None,
    )


_LOADER = loaders.create_loader()
"""Reads each service's model once for all sessions: a session of its own takes longest for that."""


def connected(account: Callable[[], Account]) -> boto3.Session:
    """Return a session whose clients reach the account of the moment; unsigned, because nothing here checks it."""
    inner = get_session()
    inner.register_component("data_loader", _LOADER)
    session = boto3.Session("key", "secret", region_name=REGION, botocore_session=inner)
    events: Any = session.events
    events.register_first("choose-signer", lambda **_: UNSIGNED)
    events.register("before-call", lambda **params: account().before_call(**params))
    events.register("before-send", lambda **params: account().before_send(**params))
    return session


_QUOTA = quota.RetryQuota


class Wiring:
    """Real clients, made once, and the account that they reach at the moment."""

    def __init__(self, settings: Settings) -> None:
        self.account = Account()
        self._quotas: list[quota.RetryQuota] = []
        session = connected(lambda: self.account)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(quota, "RetryQuota", self._quota)
            self.aws = Aws.connect(settings, session)

    def _quota(self) -> quota.RetryQuota:
        self._quotas.append(_QUOTA())
        return self._quotas[-1]

    def renew(self) -> None:
        """Be a new process: its retry quota is full."""
        for one in self._quotas:
            one.release(one.INITIAL_CAPACITY)


@cache
def wiring(settings: Settings) -> Wiring:
    """Make the clients for some settings once."""
    return Wiring(settings)


def settings() -> Settings:
    """Return the deployer's settings, as template.yaml has them."""
    return Settings(
        function_prefix="dropshift-app-",
        releases_bucket=RELEASES,
        bundles_bucket=BUNDLES,
        account_id=ACCOUNT,
        aws_lambda_function_name=CONTROLLER,
        rollout_function=ROLLOUT,
        bundle_seconds=1,
        max_provisioned_concurrency=5,
    )


class AtOnce(Executor):
    """Threads that are never behind: a job is over when it was given."""

    def __init__(self, _workers: int) -> None:
        super().__init__()

    def submit[**P, T](self, job: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Do a job; its error, and the death of the process, are raised where the result is asked for."""
        future = Future[T]()
        try:
            future.set_result(job(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - as a thread of the standard library's pool
            future.set_exception(error)
        return future


class People:
    """Those who are not the deployer; their clients are shared, and reach the account of the last who came."""

    present: ClassVar[Account]

    def __init__(self, account: Account) -> None:
        People.present = self.account = account.seen_by("a person")

    @staticmethod
    @cache
    def client(service: str) -> Any:  # noqa: ANN401 - one client class a service
        """Return a client of the present account."""
        return connected(lambda: People.present).client(service)  # type: ignore[call-overload]  # any of them


class Inhabited(Protocol):
    """A world that the deployer lives in."""

    @property
    def settings(self) -> Settings:
        """Return the settings that its template gives the deployer."""

    @property
    def account(self) -> Account:
        """Its AWS, and its time."""

    @property
    def prints(self) -> io.StringIO:
        """Its paper."""


@contextmanager
def inhabited[W: Inhabited](world: W, worth_more: int = 0) -> Iterator[W]:
    """Have the controller and the rollout live in a world: its account, its time, its paper to print on.

    By default the smallest release has a second bundle, too.
    """
    wired = wiring(world.settings)
    wired.renew()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wired, "account", world.account)
        for module in (controller, run):
            patch.setattr(module, "aws", lambda: wired.aws)
            patch.setattr(module, "settings", lambda: world.settings)
            patch.setattr(module, "datetime", SimpleNamespace(now=lambda _zone: world.account.now))
        patch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _seconds: None))
        patch.setattr(UserAgentString, "to_string", lambda _self: "")  # nobody reads it, and it takes a tenth of all
        patch.setattr(stages, "HOLD_CHECKS", HOLD_CHECKS)
        patch.setattr(bundling, "WORTH_MORE", worth_more)
        patch.setattr(upload, "ThreadPoolExecutor", AtOnce)  # calls of a release always come in the same order
        patch.setattr(process, "started", guest_thread)  # a process for each archive would be most of the time here
        patch.setattr(sys, "stdout", world.prints)
        for handler in logger.handlers:
            patch.setattr(handler, "stream", world.prints)
        patch.setenv("POWERTOOLS_SERVICE_NAME", "dropshift")
        patch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Dropshift")
        yield world


def parsed(text: str) -> list[Any]:
    """Return the lines of JSON that were printed."""
    return [json.loads(line) for line in text.splitlines()]
