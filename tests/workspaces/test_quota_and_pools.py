import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import Conflict, Forbidden, LimitReached, NotFound
from workbench.scheduler import Overcommit
from workbench.workspaces import Amounts, Kind, Role, Work, begin_work, end_work
from workbench.workspaces.placing import ONCE, Asked, PoolRefuses, place
from workbench.workspaces.pools import Pool, PoolNotFound
from workbench.workspaces.quota import OverQuota, Quota, admit

GIB = 2**30
MACHINE = Amounts(cpus=8, memory_bytes=32 * GIB, gpus=4)
AMOUNTS = st.builds(Amounts, cpus=st.integers(0, 9), gpus=st.integers(0, 9), jobs=st.integers(0, 9))
QUOTAS = st.builds(Quota, cpus=st.none() | st.integers(0, 9), gpus=st.none() | st.integers(0, 9))


@given(QUOTAS, AMOUNTS, AMOUNTS)
def test_what_is_admitted_fits_and_what_is_refused_does_not(quota, used, wanted):
    fits = all(
        limit is None or want == 0 or has + want <= limit
        for limit, has, want in (
            (quota.cpus, used.cpus, wanted.cpus),
            (quota.gpus, used.gpus, wanted.gpus),
        )
    )
    try:
        admit(quota, used, wanted)
    except OverQuota:
        assert not fits
    else:
        assert fits


def test_a_quota_says_what_is_in_use_and_what_was_wanted():
    with pytest.raises(OverQuota, match="memory is 4 GiB: 3 GiB in use, 2 GiB wanted"):
        admit(Quota(memory_bytes=4 * GIB), Amounts(memory_bytes=3 * GIB), Amounts(memory_bytes=2 * GIB))


def test_parts_of_gpus_count_as_fractions_and_the_refusal_says_how():
    quota, half = Quota(gpus=1), Amounts(gpus=0.5)

    admit(quota, half, half)
    admit(Quota(cpus=0.3), Amounts(cpus=0.1), Amounts(cpus=0.2))
    with pytest.raises(OverQuota, match=r"GPUs is 1: 0.5 in use, 0.625 wanted.*part of the card's memory"):
        admit(quota, half, Amounts(gpus=0.625))


def test_full_disks_refuse_new_work_of_any_kind():
    with pytest.raises(OverQuota, match="Delete files"):
        admit(Quota(disk_bytes=GIB), Amounts(disk_bytes=2 * GIB), Amounts(jobs=1))


def a_pool(**changes):
    return Pool(**{"name": "gpu", "amounts": Amounts(cpus=4, memory_bytes=16 * GIB, gpus=2), **changes})


def placed(*pools, workspace="1", used=None, kind=Kind.JOB, pool="", overcommit=ONCE, **wanted):
    asked = Asked(workspace_id=workspace, kind=kind, amounts=Amounts(**wanted), pool=pool)
    runs = {"": Amounts(), **{each.name: Amounts() for each in pools}, **(used or {})}
    return place({each.name: each for each in pools}, runs, MACHINE, asked, overcommit)


def test_a_workspace_with_pools_works_in_them_and_others_in_the_rest():
    mine = a_pool(workspaces=frozenset({"1"}))

    assert placed(mine, gpus=1) == "gpu"
    assert placed(mine, workspace="2", gpus=2) == ""
    with pytest.raises(PoolRefuses, match="2 GPUs left, 3 wanted"):
        placed(mine, workspace="2", gpus=3)
    with pytest.raises(PoolNotFound):
        placed(mine, workspace="2", pool="gpu")


def test_a_pool_takes_parts_of_gpus_until_none_of_it_is_left():
    half = a_pool(workspaces=frozenset({"1"}), amounts=Amounts(cpus=4, memory_bytes=GIB, gpus=0.5))
    used = {"gpu": Amounts(gpus=0.3)}

    assert placed(half, used=used, gpus=0.2) == "gpu"
    with pytest.raises(PoolRefuses, match=r"0.2 GPUs left, 0.25 wanted"):
        placed(half, used=used, gpus=0.25)


def test_what_runs_on_parts_of_gpus_is_shown_with_the_quota(machine):
    machine.ask(machine.owner, "UpdateWorkspaceQuota", workspace_id="1", Quota={"Gpus": 0.5})
    job = {"kind": Kind.JOB, "name": "n", "workspace_id": "1", "user_id": "1", "cpus": 1, "memory_bytes": 1}
    for number, gpus in enumerate((0.1, 0.2, 0.2)):
        with machine.store.transaction() as db:
            begin_work(db, Work(**job, id=f"dlc{number}", gpus=gpus), installed=MACHINE)

    shown = machine.ask(machine.owner, "GetWorkspaceQuota", workspace_id="1")
    assert (shown["Quota"]["Gpus"], shown["Used"]["Gpus"]) == (0.5, 0.5)
    with machine.store.transaction() as db, pytest.raises(OverQuota):
        begin_work(db, Work(**job, id="dlc9", gpus=0.001), installed=MACHINE)


def test_without_pools_nothing_is_refused_here():
    assert placed(cpus=1000) == ""


def test_a_pool_changes_for_nobody_how_many_times_over_cpus_and_memory_are_promised():
    nothing_aside, half = a_pool(name="none", amounts=Amounts()), a_pool(workspaces=frozenset({"1"}))
    generous = Overcommit(cpus=16, memory=4)

    assert placed(nothing_aside, workspace="2", overcommit=generous, cpus=128, memory_bytes=128 * GIB) == ""
    assert placed(half, overcommit=generous, cpus=64, memory_bytes=64 * GIB) == "gpu"
    assert placed(half, workspace="2", overcommit=generous, cpus=64, memory_bytes=64 * GIB) == ""
    for workspace in ("1", "2"):
        with pytest.raises(PoolRefuses, match="64 CPUs left, 65 wanted"):
            placed(half, workspace=workspace, overcommit=generous, cpus=65)
        with pytest.raises(PoolRefuses, match="64 GiB memory left, 65 wanted"):
            placed(half, workspace=workspace, overcommit=generous, memory_bytes=65 * GIB)
        with pytest.raises(PoolRefuses, match="2 GPUs left, 3 wanted"):
            placed(half, workspace=workspace, overcommit=generous, gpus=3)


def test_a_full_draining_or_unfit_pool_passes_work_on_to_the_next():
    linked = frozenset({"1"})
    full = a_pool(name="a", workspaces=linked)
    draining = a_pool(name="b", workspaces=linked, draining=True)
    unfit = a_pool(name="c", workspaces=linked, kinds=frozenset({Kind.SERVICE}))
    used = {"a": full.amounts}

    assert placed(full, draining, unfit, a_pool(name="d", workspaces=linked), used=used, cpus=1) == "d"
    with pytest.raises(PoolRefuses) as refused:
        placed(full, draining, unfit, used=used, cpus=1)
    assert "a: 0 CPUs left" in refused.value.message
    assert "b: is draining" in refused.value.message
    assert "c: takes no job" in refused.value.message


def test_pools_together_are_never_more_than_the_machine(machine):
    machine.ask(machine.owner, "CreatePool", Name="one", Cpus=5)
    with pytest.raises(Conflict, match="3 CPUs left, 4 wanted"):
        machine.ask(machine.owner, "CreatePool", Name="two", Cpus=4)
    machine.ask(machine.owner, "CreatePool", Name="two", Cpus=3)
    with pytest.raises(Conflict):
        machine.ask(machine.owner, "UpdatePool", name="two", Cpus=4)


def test_only_the_machines_owner_divides_it(machine):
    admin = machine.join(Role.ADMIN, 2001)
    for action, named in (
        ("CreatePool", {"Name": "x"}),
        ("UpdatePool", {"name": "x"}),
        ("DeletePool", {"name": "x"}),
    ):
        with pytest.raises(Forbidden):
            machine.ask(admin, action, **named)


def test_a_draining_pool_lets_what_runs_finish_unless_it_is_forced(machine):
    machine.ask(
        machine.owner,
        "CreatePool",
        Name="gpu",
        Cpus=4,
        MemoryBytes=GIB,
        WorkspaceIds=["1"],
        Kinds=["development"],
    )
    work = Work(
        kind=Kind.NOTEBOOK, id="dsw-1", name="n", workspace_id="1", user_id="1", cpus=1, memory_bytes=1
    )
    with machine.store.transaction() as db:
        assert begin_work(db, work, installed=MACHINE).pool == "gpu"
    machine.ask(machine.owner, "UpdatePool", name="gpu", Draining=True)
    with machine.store.transaction() as db, pytest.raises(LimitReached, match="draining"):
        begin_work(db, Work(**{**vars(work), "id": "dsw-2"}), installed=MACHINE)

    shown = machine.ask(machine.owner, "ListPools")["Pools"][0]
    assert (shown["Running"], shown["UsedCpus"], shown["Kinds"]) == (["notebook dsw-1"], 1, ["development"])
    assert machine.stopped == []
    machine.ask(machine.owner, "UpdatePool", name="gpu", Draining=True, Force=True)
    assert machine.stopped == ["dsw-1"]


def test_what_uses_a_pool_and_which_workspaces_it_is_for_is_told_to_who_may_know_of_it(machine):
    machine.ask(machine.owner, "CreateWorkspace", WorkspaceName="private")
    stranger, member = machine.join(Role.DEVELOPER, 2001), machine.join(Role.OPERATOR, 2002, "2")
    machine.ask(machine.owner, "CreatePool", Name="gpu", Cpus=4, MemoryBytes=GIB, WorkspaceIds=["1", "2"])
    work = Work(
        kind=Kind.NOTEBOOK, id="dsw-1", name="n", workspace_id="2", user_id="1", cpus=1, memory_bytes=1
    )
    with machine.store.transaction() as db:
        begin_work(db, work, installed=MACHINE)

    def shown_to(caller):
        pool = machine.ask(caller, "ListPools")["Pools"][0]
        return pool["Running"], pool["WorkspaceIds"], pool["UsedCpus"]

    assert shown_to(stranger) == ([], ["1"], 1)
    assert shown_to(member) == (["notebook dsw-1"], ["2"], 1)
    assert shown_to(machine.owner) == (["notebook dsw-1"], ["1", "2"], 1)


def test_a_pool_in_use_is_not_deleted(machine):
    machine.ask(machine.owner, "CreatePool", Name="gpu", Cpus=4, MemoryBytes=GIB, WorkspaceIds=["1"])
    work = Work(kind=Kind.JOB, id="dlc1", name="train", workspace_id="1", user_id="1", cpus=1, memory_bytes=1)
    with machine.store.transaction() as db:
        begin_work(db, work, installed=MACHINE)
    with pytest.raises(Conflict, match="job train"):
        machine.ask(machine.owner, "DeletePool", name="gpu")

    with machine.store.transaction() as db:
        end_work(db, Kind.JOB, "dlc1")
    machine.ask(machine.owner, "DeletePool", name="gpu")
    with pytest.raises(NotFound):
        machine.ask(machine.owner, "DeletePool", name="gpu")


def test_a_pool_belongs_to_workspaces_that_are_there(machine):
    with pytest.raises(NotFound):
        machine.ask(machine.owner, "CreatePool", Name="gpu", WorkspaceIds=["99"])
    assert machine.ask(machine.owner, "ListPools")["Pools"] == []


def test_nothing_new_begins_for_a_disabled_user_but_what_was_kept_goes_on(machine):
    ada = machine.join(Role.DEVELOPER, 2001)
    kept = Work(
        kind=Kind.NOTEBOOK, id="a", name="a", workspace_id="1", user_id=ada.user_id, cpus=1, memory_bytes=1
    )
    with machine.store.transaction() as db:
        begin_work(db, kept, installed=MACHINE)
    machine.ask(machine.owner, "UpdateUser", user_id=ada.user_id, Enabled=False, Sessions="keep")

    with machine.store.transaction() as db:
        begin_work(db, kept, installed=MACHINE)
        with pytest.raises(Forbidden):
            begin_work(db, Work(**{**vars(kept), "id": "b"}), installed=MACHINE)


def test_nothing_begins_in_a_workspace_that_is_gone(machine):
    lost = Work(kind=Kind.JOB, id="a", name="a", workspace_id="99", user_id="1", cpus=1, memory_bytes=1)
    with machine.store.transaction() as db, pytest.raises(NotFound):
        begin_work(db, lost, installed=MACHINE)
