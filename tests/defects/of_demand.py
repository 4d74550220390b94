"""Ways in which a start uses what has not arrived, or waits for what it need not: the guards of demand loading."""

from tests.defects.breaking import Defect

GUARDS, DEMAND = "tests/pure/test_bootstrap_guards.py", "tests/end_to_end/test_bootstrap_demand.py"
HOLDER = "tests/pure/test_bootstrap_holder.py"
FAULTS = "tests/end_to_end/test_bootstrap_faults.py"

DEFECTS = (
    Defect(
        "a file that has not arrived is not leased",
        "lease.take",
        "fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_WRLCK)",
        "fcntl.fcntl(held, fcntl.F_GETFL)",
        (GUARDS,),
    ),
    Defect(
        "an opener who was let in is not noticed",
        "lease.let_in",
        "if not asked_for(held):",
        "if held:",
        (GUARDS,),
    ),
    Defect(
        "the space for a file is not reserved",
        "lease.create",
        "os.posix_fallocate(created, 0, size)",
        "os.ftruncate(created, size)",
        (GUARDS,),
    ),
    Defect(
        "a file that has not arrived looks like one of zeros",
        "lease.hide",
        "os.pwrite(held, ABSENT[:size], 0)",
        "os.pwrite(held, bytes(size), 0)",
        (GUARDS,),
    ),
    Defect(
        "a kill of the application spares the children of its process",
        "Application._living",
        "while more := {pid for pid, one in table.items() if one.parent in mine} - mine:",
        "while more := set[int]():",
        (GUARDS,),
    ),
    Defect(
        "a kill reaches whoever has the number of a process that ended",
        "Application._living",
        "if table.get(self.pid, _NONE).started == self.started else set[int]()",
        "",
        (GUARDS,),
    ),
    Defect(
        "whether leases hold is not tested",
        "Load.__init__",
        "demand=ends.demand and lease.work(tree.base)",
        "demand=ends.demand",
        (f"{DEMAND}::test_where_leases_do_not_work_every_file_is_awaited",),
    ),
    Defect(
        "a holder has no twin, so that its files are let go when it is killed",
        "Holder.run",
        "self._begin_twin()",
        "pass",
        (HOLDER,),
    ),
    Defect(
        "a file is let go without a look whether somebody was let in before",
        "Holder._release",
        "self._check(self._held[number])",
        "pass",
        (HOLDER,),
    ),
    Defect(
        "a load that goes on lacks the first bytes that a killed holder kept",
        "shares._is_hidden",
        "return head == lease.ABSENT",
        "return not head",
        (HOLDER,),
    ),
    Defect(
        "a small file is leased, which takes longer than writing it",
        "layout._first",
        "entry.size < SMALL",
        "entry.size < 0",
        ("tests/pure/test_bundle.py",),
    ),
    Defect(
        "an opener waits until the kernel lets it in",
        "Holder._listen",
        "time.monotonic() - since > lease.WAITED",
        "time.monotonic() - since > 60",
        (f"{DEMAND}::test_who_waits_too_long_is_killed_before_the_kernel_lets_it_in",),
    ),
    Defect(
        "an answer leaves although nobody knows what it was made of",
        "LoadProgress._question",
        'while not self._sound and self._hear >= 0 and (question["ask"] == "sound" or not self._failure):',
        'while not self._sound and self._hear >= 0 and question["ask"] != "sound":',
        (f"{DEMAND}::test_when_loaders_are_killed_while_somebody_waits_nothing_is_answered",),
    ),
    Defect(
        "a file that somebody waited for is cold again the next time",
        "access_profile.recorded",
        "_modules(tree) | _asked_for(tree, paths)",
        "_modules(tree)",
        (f"{DEMAND}::test_a_file_that_somebody_asked_for_before_it_had_arrived_is_hot_the_next_time",),
    ),
    Defect(
        "bytes are written that were not verified",
        "Worker._unpack",
        "unpack.verify(frame, data)",
        "pass",
        (f"{FAULTS}::test_bytes_that_were_swapped_for_others_of_the_same_length_are_never_written",),
    ),
)
