"""What a person asks for by hand: looked up, checked, and done with at most one write of the alias."""

from collections.abc import Iterator
from dataclasses import dataclass

from bootstrap.pointer import Pointer, PointerError
from deployer import answers, commands
from deployer.alias import Alias, Move
from deployer.answers import Answer, Serving
from deployer.drop import Imprint
from deployer.record import Record
from deployer.release import Ending, Status
from deployer.steps import Deployer

_RECENT = 20
"""Records looked through for releases under way."""
_NO_RELEASE = "no release yet"


@dataclass(frozen=True)
class Desk:
    """Answers commands for one application."""

    deployer: Deployer
    application: str

    @property
    def function(self) -> str:
        """The application's function."""
        return self.deployer.told.function(self.application)

    # --- looking -------------------------------------------------------------------------------------------------

    def show_status(self) -> Answer:
        """Tell where the traffic is, and which releases are under way."""
        alias = self.deployer.aws.functions.alias(self.function)
        return answers.status(self.application, alias, list(self._serving(alias)), self._under_way())

    def show_history(self, limit: int) -> Answer:
        """Tell the releases written about last."""
        return answers.history(self.application, self.deployer.aws.records.newest(self.application, limit))

    def _serving(self, alias: Alias) -> Iterator[Serving]:
        for version, share in ((alias.stable, 100 - alias.weight), (alias.canary, alias.weight)):
            if version:
                yield self._served(version, share)

    def _served(self, version: str, share: int) -> Serving:
        imprint = self.deployer.aws.functions.imprint(self.function, version)
        return Serving(
            version=version,
            share=share,
            release=imprint.label if imprint else _NO_RELEASE,
            release_id=imprint.age.release_id if imprint else None,
            dropped=imprint.age.modified.isoformat() if imprint else None,
            bundle=self._bundle_state(version),
        )

    def _bundle_state(self, version: str) -> str:
        pointer = self._pointer(version)
        if pointer is None:
            return "none"
        return "intact" if self.deployer.aws.objects.intact(pointer.key, pointer.version) else "missing"

    def _pointer(self, version: str) -> Pointer | None:
        encoded = self.deployer.aws.functions.pointer(self.function, version)
        try:
            return Pointer.parse(encoded) if encoded else None
        except PointerError:
            return None

    def _under_way(self) -> list[Record]:
        newest = self.deployer.aws.records.newest(self.application, _RECENT)
        return [record for record in newest if not record.status.final]

    # --- moving --------------------------------------------------------------------------------------------------

    def roll_back(self, command: commands.RollBack) -> Answer:
        """Take the canary away, or give an earlier version all traffic."""
        alias = self.deployer.aws.functions.alias(self.function)
        if moved_on := self._moved_on(alias.canary or alias.stable, command.release):
            return moved_on
        if alias.canary and command.to is None:
            return self._withdraw(alias, command, Move.ROLL_BACK, Status.ROLLED_BACK)
        target = self._target(command.to) if command.to else alias.previous
        if target is None and command.to is None:
            return answers.nothing_to_do('no previous version is recorded; name a release or version in "to"')
        if target is None:
            return answers.refusal("to", f'"{command.to}"', "a release name, release id or version", "see history")
        if target == alias.stable and not alias.canary:
            return answers.nothing_to_do(f"version {target} has all traffic")
        return self._unfit(target, force=command.force) or self._go_back(alias, target, command)

    def _go_back(self, alias: Alias, target: str, command: commands.RollBack) -> Answer:
        left = self._imprint(alias.stable)
        words = f"roll back from version {alias.stable} to version {target}"
        if command.dry_run:
            return answers.done(words, dry_run=True)
        wanted = alias.go_back(left.age.release_id if left else "none", target)
        if refusal := self._move(alias, wanted):
            return refusal
        for version in (alias.stable, alias.canary):
            self._write_down_leaving(version, words, command.reason)
        return answers.done(words.replace("roll", "rolled", 1), version=target)

    def _write_down_leaving(self, version: str | None, words: str, reason: str) -> None:
        if version and (record := self._record(version)):
            self._write_down(record, Ending(status=Status.ROLLED_BACK, reason=reason or words), words)

    def _target(self, to: str) -> str | None:
        """Find the version that a release name, a release id or a version means; the newest, if several fit."""
        found = list(self.deployer.aws.functions.versions(self.function))
        fits = [
            published.version
            for published in found
            if published.version == to
            or (published.imprint and to in (published.imprint.label, published.imprint.age.release_id))
        ]
        return fits[-1] if fits else None

    def _unfit(self, version: str, *, force: bool) -> Answer | None:
        """Refuse a version that cannot, or should not, serve."""
        imprint, pointer = self._imprint(version), self._pointer(version)
        if imprint is None or pointer is None:
            found = f"version {version}, which was not made from a release"
            return answers.refusal("to", found, "a version that the deployer published", "see history")
        if not self.deployer.aws.objects.intact(pointer.key, pointer.version):
            found = f"version {version}, whose bundle is gone"
            return answers.refusal("to", found, "a version whose bundle exists", "drop the release again")
        record = self.deployer.aws.records.read(self.application, imprint.age.release_id)
        if record and record.status in (Status.ROLLED_BACK, Status.ABORTED, Status.FAILED) and not force:
            found = f"version {version}, which ended {record.status}: {record.reason}"
            return answers.refusal("to", found, "a release that was live", 'say "force": true to use it all the same')
        return None

    def promote(self, command: commands.Promote) -> Answer:
        """Give the canary its next stage's share, or all traffic."""
        alias = self.deployer.aws.functions.alias(self.function)
        if blocked := self._no_canary(alias) or self._moved_on(alias.canary, command.release):
            return blocked
        canary = str(alias.canary)
        imprint = self._imprint(canary)
        if imprint is None:
            return answers.refusal("alias", f"version {canary}", "a release's version", "it was shifted by others")
        record = self.deployer.aws.records.read(self.application, imprint.age.release_id)
        higher = [weight for weight in (record.stages if record else ()) if weight > alias.weight]
        if command.full or not higher:
            words, wanted = f"promote version {canary}", alias.promote(imprint.age.release_id, canary)
        else:
            words = f"shift {higher[0]} % of the traffic to version {canary}"
            wanted = alias.shift(imprint.age.release_id, canary, higher[0])
        return self._move_by_hand(alias, wanted, command, words, record)

    def abort(self, command: commands.Abort) -> Answer:
        """End the release that is under way, wherever it is on its way."""
        alias = self.deployer.aws.functions.alias(self.function)
        if alias.canary:
            if moved_on := self._moved_on(alias.canary, command.release):
                return moved_on
            return self._withdraw(alias, command, Move.ABORT, Status.ABORTED)
        waiting = [one for one in self._under_way() if command.release in (None, one.release, one.release_id)]
        if not waiting:
            return answers.nothing_to_do("no release is under way")
        record = waiting[0]
        if command.dry_run:
            return answers.done(f"abort {record.release}", dry_run=True)
        if refusal := self._move(alias, alias.withdraw(record.release_id, Move.ABORT)):
            return refusal
        self._write_down(record, Ending(status=Status.ABORTED, reason=command.reason or "abort by command"), "abort")
        return answers.done(f"aborted {record.release} before it had any traffic")

    def _withdraw(self, alias: Alias, command: commands.Meant, move: Move, status: Status) -> Answer:
        imprint = self._imprint(str(alias.canary))
        if imprint is None or not alias.ours:
            found = f"version {alias.canary} with {alias.weight} %, shifted by others"
            return answers.refusal("alias", found, "a release that the deployer is shifting", "move the alias by hand")
        words = f"{move}: take {alias.weight} % of the traffic from version {alias.canary}"
        if command.dry_run:
            return answers.done(words, dry_run=True)
        if refusal := self._move(alias, alias.withdraw(imprint.age.release_id, move)):
            return refusal
        record = self.deployer.aws.records.read(self.application, imprint.age.release_id)
        if record:
            self._write_down(record, Ending(status=status, reason=command.reason or f"{move} by command"), words)
        return answers.done(f"all traffic is on version {alias.stable} again", version=alias.stable)

    def pause(self, command: commands.Pause | commands.Resume) -> Answer:
        """Stay at the present stage, or go on from it."""
        alias = self.deployer.aws.functions.alias(self.function)
        if blocked := self._no_canary(alias) or self._moved_on(alias.canary, command.release):
            return blocked
        paused = command.action == "pause"
        if alias.paused is paused:
            return answers.nothing_to_do("it is paused" if paused else "it is not paused")
        record = self._record(str(alias.canary))
        words = f"{command.action} at {alias.weight} %"
        return self._move_by_hand(alias, alias.pause(paused=paused), command, words, record)

    # --- what the moves share --------------------------------------------------------------------------------------

    def _move_by_hand(
        self, alias: Alias, wanted: Alias, command: commands.Meant, words: str, record: Record | None
    ) -> Answer:
        if not alias.ours:
            return answers.refusal("alias", "moved by others", "as the deployer left it", "move the alias by hand")
        if command.dry_run:
            return answers.done(words, dry_run=True)
        if refusal := self._move(alias, wanted):
            return refusal
        if record:
            self._note(record, f"by command: {words}" + (f" ({command.reason})" if command.reason else ""))
        return answers.done(f"done: {words}")

    def _move(self, alias: Alias, wanted: Alias) -> Answer | None:
        """Write the alias once; refuse when somebody moved it since it was read."""
        after = self.deployer.aws.functions.move(self.function, alias, wanted)
        if after.same_as(wanted):
            return None
        return answers.refusal("alias", "moved by others at this moment", "unchanged", "look at status, ask again")

    def _no_canary(self, alias: Alias) -> Answer | None:
        return None if alias.canary else answers.nothing_to_do("no release is taking traffic in stages")

    def _moved_on(self, version: str | None, meant: str | None) -> Answer | None:
        """Refuse a command that means another release than the one in this place."""
        if meant is None or version is None or meant == version:
            return None
        imprint = self._imprint(version)
        if imprint and meant in (imprint.label, imprint.age.release_id):
            return None
        found = f'version {version}, release "{imprint.label if imprint else _NO_RELEASE}"'
        return answers.refusal("release", found, f'"{meant}"', "the world moved on; look at status")

    def _imprint(self, version: str) -> Imprint | None:
        return self.deployer.aws.functions.imprint(self.function, version)

    def _record(self, version: str) -> Record | None:
        imprint = self._imprint(version)
        return self.deployer.aws.records.read(self.application, imprint.age.release_id) if imprint else None

    def _note(self, record: Record, words: str) -> None:
        at = self.deployer.now()
        self.deployer.aws.records.change(self.application, record.release_id, lambda one: one.noted(at, words))

    def _write_down(self, record: Record, ending: Ending, words: str) -> None:
        """Write an end, or a moment when there is one already; bytes that were rolled back are remembered."""
        at, records = self.deployer.now(), self.deployer.aws.records
        records.change(self.application, record.release_id, lambda one: one.noted(at, words).ended(at, ending))
        if ending.status is Status.ROLLED_BACK and record.archive_sha256:
            self.deployer.aws.objects.mark_rolled_back(self.application, record.archive_sha256, record.release_id)
