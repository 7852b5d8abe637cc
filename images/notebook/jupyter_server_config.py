"""How the Jupyter server of a session is set up; its base URL comes on the command line."""

import contextlib
import os
import sys
from pathlib import Path

c = get_config()  # noqa: F821 (Jupyter's)

c.ServerApp.ip = "0.0.0.0"  # noqa: S104 (the gateway reaches it on the workspace's own network)
c.ServerApp.port = 8888
c.ServerApp.port_retries = 0
c.ServerApp.allow_remote_access = True
c.ServerApp.open_browser = False
c.ServerApp.root_dir = os.environ["HOME"]
c.ServerApp.terminado_settings = {"shell_command": ["/bin/bash"]}

# Neither has anything to do here, and each would be loaded before the first page.
c.ServerApp.jpserver_extensions = {"jupyter_lsp": False, "notebook_shim": False}

c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.extension_manager = "readonly"

# Python looks for the user's packages only where the directory is there when it starts, so it is
# there before the first kernel: what a cell installs can be imported by the next one.
python = f"python{sys.version_info.major}.{sys.version_info.minor}"
packages = Path(os.environ["PYTHONUSERBASE"], "lib", python, "site-packages")
with contextlib.suppress(OSError):  # kernels work without it
    packages.mkdir(parents=True, exist_ok=True)
