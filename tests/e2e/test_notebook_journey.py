"""A user's day: a notebook is launched, worked in, stopped, started, deleted, made again."""

from __future__ import annotations

from contextlib import closing

import httpx
import pytest

from tests.e2e.jupyter_user import JupyterUser, send
from tests.installation import Installation

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def notebook(workbench: Installation) -> str:
    notebook_id = workbench.create("journey")
    workbench.until_status(notebook_id, "Running", within_s=600)  # the first one waits for its image
    return notebook_id


def test_a_cell_run_through_the_gateway_prints_its_result(workbench: Installation, notebook: str) -> None:
    user = JupyterUser(workbench, notebook)

    assert user.run(user.start_kernel(), "print(6 * 7)") == "42\n"


def test_the_session_runs_as_its_owner_and_not_as_root(workbench: Installation, notebook: str) -> None:
    user = JupyterUser(workbench, notebook)

    said = user.run(
        user.start_kernel(), "import os; print(os.getuid() != 0, os.environ['HOME'], os.umask(0))"
    )

    assert said == "True /mnt/workspace 2\n"


def test_files_and_packages_survive_stop_and_start_with_another_size(
    workbench: Installation, notebook: str
) -> None:
    user = JupyterUser(workbench, notebook)
    user.write("kept.txt", "here")
    installed = user.run(user.start_kernel(), "!pip install --no-index --no-deps /tmp/none 2>&1 | tail -1")
    assert installed  # pip is there and says that there is no such package
    user.run(
        user.start_kernel(),
        "import site, pathlib; p = pathlib.Path(site.getusersitepackages());"
        "p.mkdir(parents=True, exist_ok=True);"
        "(p / 'mine.py').write_text('answer = 42')",
    )

    workbench.dsw("StopInstance", instance_id=notebook)
    workbench.until_status(notebook, "Stopped")
    assert not [pod for pod in workbench.pods() if pod.id == notebook]
    workbench.dsw("UpdateInstance", instance_id=notebook, RequestedResource={"CPU": "1", "Memory": "1.5"})
    workbench.dsw("StartInstance", instance_id=notebook)
    workbench.until_status(notebook, "Running")

    user = JupyterUser(workbench, notebook)
    assert user.read("kept.txt") == "here"
    assert user.run(user.start_kernel(), "import mine; print(mine.answer)") == "42\n"
    assert workbench.dsw("GetInstance", instance_id=notebook)["RequestedResource"]["Memory"] == "1.5"


def test_the_daemons_death_harms_no_session(workbench: Installation, notebook: str) -> None:
    user = JupyterUser(workbench, notebook)
    kernel = user.start_kernel()
    user.run(kernel, "x = 42")
    started = {pod.id: pod.started_at for pod in workbench.pods()}

    workbench.kill()
    assert user.run(kernel, "print(x)") == "42\n"
    workbench.start()

    assert workbench.status(notebook) == "Running"
    assert user.run(kernel, "print(x)") == "42\n"
    assert {pod.id: pod.started_at for pod in workbench.pods()} == started


def test_a_ticket_opens_a_browser_once_and_on_its_own_origin_only(
    workbench: Installation, notebook: str
) -> None:
    url = httpx.URL(workbench.run("notebook", "open", "journey", "--print").stdout.strip())
    here = {"host": f"{url.host}:{url.port}"}  # resolvers of test machines may not know *.localhost
    at = f"http://127.0.0.1:{url.port}"

    first = httpx.get(f"{at}{url.raw_path.decode()}", headers=here)
    again = httpx.get(f"{at}{url.raw_path.decode()}", headers=here)
    cookie = first.headers["set-cookie"].split(";")[0]

    assert first.status_code == 303
    assert again.status_code == 401
    page = httpx.get(f"{at}{url.path}", headers={**here, "cookie": cookie})
    assert page.status_code == 200
    assert "JupyterLab" in page.text
    elsewhere = httpx.get(f"{at}{url.path}", headers={"cookie": cookie})
    assert elsewhere.status_code in (401, 403)


def test_a_kernel_that_takes_too_much_memory_is_told_to_its_owner(
    workbench: Installation, notebook: str
) -> None:
    user = JupyterUser(workbench, notebook)
    with closing(user.connect(user.start_kernel())) as kernel:
        send(kernel, "x = bytearray(3 * 2**30)")  # its memory is 1.5 GiB

        workbench.until(
            lambda: any("OutOfMemory" in each for each in _events(workbench, notebook)), "the owner is told"
        )


def test_what_is_deleted_and_made_again_finds_its_files(workbench: Installation, notebook: str) -> None:
    workbench.dsw("DeleteInstance", instance_id=notebook)
    workbench.until_status(notebook, "")
    assert not [pod for pod in workbench.pods() if pod.id == notebook]

    again = workbench.create("journey")
    workbench.until_status(again, "Running")

    assert JupyterUser(workbench, again).read("kept.txt") == "here"


def _events(workbench: Installation, notebook_id: str) -> list[str]:
    found: list[str] = workbench.dsw("GetInstanceEvents", instance_id=notebook_id)["Events"]
    return found
