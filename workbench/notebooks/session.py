"""What a notebook's container is given: its command, environment, limits and files.

Pure. The contract with an image is small, so that any image with JupyterLab in it will do: it
is started as `jupyter lab` with these flags, as its owner's uid and gid, with HOME on the
workspace's files and the user's own packages in a directory that outlives the container.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from workbench.node import Gpu
from workbench.notebooks.records import Notebook
from workbench.runtime.pods import Bind, PodPlan
from workbench.scheduler import Grant
from workbench.settings import Settings
from workbench.storage import ENVIRONMENT, HOME, MountContext

KIND = "notebook"
PORT = 8888
SESSION = "/run/workbench"
"""Where the files made for this one container are: its token, what to run at its start."""

_CA_BUNDLE = "/etc/workbench/ca-certificates.crt"


def base_path(notebook_id: str) -> str:
    """The path under which the session answers, at the gateway as inside."""
    return f"/notebook/{notebook_id}/"


def pod_key(notebook_id: str) -> str:
    """What the storage knows a notebook's pod by."""
    return f"{KIND}-{notebook_id}-main"


def session_files(notebook: Notebook, jupyter_token: str) -> Mapping[str, str]:
    """Name and text of the files in `SESSION`. Secrets travel so, as `docker inspect` shows any other way."""
    files = {"token": jupyter_token}
    if notebook.on_start:
        files["on-start.sh"] = notebook.on_start
    return files


def plan(
    notebook: Notebook,
    *,
    image: str,
    user_name: str,
    context: MountContext,
    grant: Grant,
    gpus: Sequence[Gpu],
    binds: Sequence[Bind],
    network: str,
    settings: Settings,
) -> PodPlan:
    """The container that should run for a notebook.

    Args:
        image: The image's id or reference, present in the engine.
        context: Uid, gid and groups of the owner.
        grant: Its part of the GPUs.
        gpus: All cards of the machine.
        binds: Home, environment, session files and data, pinned.
    """
    ca_binds = (Bind(settings.ca_bundle, _CA_BUNDLE, read_only=True),) if settings.ca_bundle else ()
    return PodPlan(
        kind=KIND,
        id=notebook.id,
        generation=notebook.generation,
        image=image,
        command=_command(notebook, len(grant.uuids)),
        environment=_environment(notebook, user_name, settings) | _gpu_environment(grant, gpus),
        user=f"{context.uid}:{context.gid}",
        groups=tuple(str(group) for group in context.groups),
        workdir=HOME,
        hostname=notebook.id,
        cpus=notebook.cpus,
        memory_bytes=notebook.memory_bytes,
        shm_bytes=notebook.shm_bytes,
        pids=settings.pids_limit,
        gpus=grant.uuids,
        binds=(*binds, *ca_binds),
        network=network,
        log_cap_bytes=settings.log_cap_mib * 2**20,
    )


def _command(notebook: Notebook, gpus: int) -> tuple[str, ...]:
    jupyter = (
        "jupyter",
        "lab",
        "--no-browser",
        "--ServerApp.ip=0.0.0.0",
        f"--ServerApp.port={PORT}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.base_url={base_path(notebook.id)}",
        f"--ServerApp.root_dir={HOME}",
        "--ServerApp.allow_remote_access=True",
    )
    before = ["umask 002"]  # what lies in the workspace's shared files is for all its members to change
    before += [f"export {name}={value}" for name, value in inner_environment(gpus).items()]
    if notebook.on_start:
        before.append(f"sh {SESSION}/on-start.sh")
    return ("sh", "-c", "; ".join([*before, 'exec "$@"']), "sh", *jupyter)


def inner_environment(gpus: int) -> Mapping[str, str]:
    """What the programs in a session are told that its container is not: how many cards there are.

    Outside, the same variable would be a request for these very cards.
    """
    return {"NVIDIA_VISIBLE_DEVICES": ",".join(map(str, range(gpus)))} if gpus else {}


def _gpu_environment(grant: Grant, gpus: Sequence[Gpu]) -> dict[str, str]:
    """What asks frameworks to keep to a share of a card; nothing makes them.

    PyTorch has no variable for it: `torch.cuda.set_per_process_memory_fraction` takes the number.
    """
    card = next((gpu for gpu in gpus if gpu.uuid in grant.uuids), None)
    if not grant.memory_bytes or card is None:
        return {}
    fraction = f"{grant.memory_bytes / card.memory_bytes:.3f}"
    return {
        "WORKBENCH_GPU_MEMORY_FRACTION": fraction,
        "XLA_PYTHON_CLIENT_MEM_FRACTION": fraction,
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "CUDA_MPS_PINNED_DEVICE_MEM_LIMIT": f"0={grant.memory_bytes // 2**20}M",
    }


def _environment(notebook: Notebook, user_name: str, settings: Settings) -> dict[str, str]:
    ours = {
        "HOME": HOME,
        "USER": user_name,
        "LOGNAME": user_name,
        "SHELL": "/bin/bash",
        "JUPYTER_TOKEN_FILE": f"{SESSION}/token",
        "JUPYTER_PREFER_ENV_PATH": "0",
        "PYTHONUSERBASE": ENVIRONMENT,
        "CONDA_ENVS_PATH": f"{ENVIRONMENT}/conda/envs",
        "CONDA_PKGS_DIRS": f"{ENVIRONMENT}/conda/pkgs",
        "MAMBA_ROOT_PREFIX": f"{ENVIRONMENT}/conda",
        "DSW_INSTANCE_ID": notebook.id,
        "PAI_WORKSPACE_ID": notebook.workspace_id,
        "REGION": "local",
    }
    # One setting a tool, not http_proxy: PAI's SDK would send what is meant for this machine there.
    if settings.https_proxy:
        ours["PIP_PROXY"] = settings.https_proxy
    if settings.pip_index_url:
        ours["PIP_INDEX_URL"] = settings.pip_index_url
    if settings.ca_bundle:
        trusting = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO")
        ours |= dict.fromkeys(trusting, _CA_BUNDLE)
    # What makes the session work is ours to say; the rest is the owner's.
    return {"LANG": "C.UTF-8", **notebook.environment, **ours}
