from __future__ import annotations

from pathlib import Path

from workbench.node import cgroups

V1_MOUNTS = """\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,size=24682416k,mode=755
33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct
34 31 0:31 / /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory
35 31 0:32 / /sys/fs/cgroup/unified rw,nosuid - cgroup2 cgroup2 rw,nsdelegate
"""
V2_MOUNTS = (
    "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n"
)


def test_a_container_is_found_under_version_1() -> None:
    groups = cgroups.parse_groups(
        "9:name=systemd:/x\n5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n0::/\n"
    )
    hierarchies = cgroups.parse_hierarchies(V1_MOUNTS)

    assert hierarchies["cpuacct"].folder(groups["cpuacct"]) == Path("/sys/fs/cgroup/cpu,cpuacct/docker/abc")
    assert hierarchies["memory"].folder(groups["memory"]) == Path("/sys/fs/cgroup/memory/docker/abc")


def test_a_container_is_found_under_version_2() -> None:
    groups = cgroups.parse_groups("0::/system.slice/docker-abc.scope\n")
    hierarchies = cgroups.parse_hierarchies(V2_MOUNTS)

    assert list(hierarchies) == [cgroups.UNIFIED]
    assert hierarchies[cgroups.UNIFIED].folder(groups[cgroups.UNIFIED]) == Path(
        "/sys/fs/cgroup/system.slice/docker-abc.scope"
    )


def test_a_mount_that_shows_only_a_part_is_taken_from_there() -> None:
    hierarchy = cgroups.Hierarchy("/docker/outer", Path("/sys/fs/cgroup"))

    assert hierarchy.folder("/docker/outer/inner") == Path("/sys/fs/cgroup/inner")


def test_no_limit_has_two_spellings() -> None:
    assert cgroups.parse_limit("max\n") is None
    assert cgroups.parse_limit("9223372036854771712\n") is None
    assert cgroups.parse_limit("1073741824\n") == 2**30


def test_a_cpu_limit_is_a_number_of_cpus() -> None:
    assert cgroups.parse_cpu_max("max 100000\n") is None
    assert cgroups.parse_cpu_max("150000 100000\n") == 1.5


def test_counters_are_read_by_name() -> None:
    assert cgroups.parse_counters("usage_usec 12\nuser_usec 7\n") == {"usage_usec": 12, "user_usec": 7}
