"""As whom sessions run and whose files are."""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from workbench.workspaces import mount_context


def ids_of(user, daemon):
    """Asked by a process of another user, as the daemon may be one."""
    if daemon:
        os.setgid(daemon)
        os.setuid(daemon)
    context = mount_context(user, "1")
    return context.uid, context.gid


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
@pytest.mark.parametrize(("daemon", "sessions"), [(0, 2001), (31_234, 31_234)], ids=["root", "anybody"])
def test_everybodys_sessions_have_ids_that_the_daemon_can_give_files_to(machine, daemon, sessions):
    ada = machine.add_user("ada", 2001)

    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as another:
        assert another.submit(ids_of, ada, daemon).result() == (sessions, sessions)
