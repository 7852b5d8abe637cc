# What a machine needs before anything else runs: Debian's packages, a Docker engine, `.venv`.
# Sourced by scripts/up and scripts/test. Each step looks first and does only what is missing.
# shellcheck shell=bash

PATH=$PATH:/usr/sbin:/sbin
readonly engine_log=/var/log/workbench-dockerd.log
readonly engine_pid=/run/workbench-dockerd.pid
readonly engine_socket=/var/run/docker.sock
readonly passed_on=http_proxy,https_proxy,no_proxy,HTTP_PROXY,HTTPS_PROXY,NO_PROXY,DEBIAN_FRONTEND
readonly needed_gib=4
readonly network_hint="Check the network; behind a proxy, set http_proxy and https_proxy. Then run this again."

say() { printf '==> %s\n' "$*" >&2; }

die() {
    printf 'Error: %s\n' "$1" >&2
    shift
    [ $# -eq 0 ] || printf '%s\n' "$@" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo --preserve-env="$passed_on" "$@"
    else
        die "Root is needed for: $*" "Run this as root, or install sudo."
    fi
}

# An engine elsewhere, or one that is here already, is left as it is.
readonly engine_elsewhere=${DOCKER_HOST:-}${WORKBENCH_DOCKER_HOST:-}
has_engine() { [ -n "$engine_elsewhere" ] || [ -S $engine_socket ] || command -v dockerd >/dev/null; }

# A Python that is new enough and can make virtual environments.
find_python() {
    local candidate
    for candidate in python3 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

# install_packages [NAME...]: what Workbench needs, and more.
install_packages() {
    local missing=("$@")
    has_engine || missing+=(docker.io iptables)
    command -v mmdebstrap >/dev/null || missing+=(mmdebstrap)
    find_python >/dev/null || missing+=(python3 python3-venv)
    [ ${#missing[@]} -gt 0 ] || return 0

    command -v apt-get >/dev/null ||
        die "Missing here: ${missing[*]}" "Install them with this system's package manager, then run this again."
    say "Installing Debian packages as root: ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    as_root apt-get update -q ||
        die "The package lists could not be fetched." "$network_hint"
    as_root apt-get install -q -y --no-install-recommends "${missing[@]}" ||
        die "These packages could not be installed: ${missing[*]}" "What apt-get says above names the cause."
    find_python >/dev/null ||
        die "Python 3.11 or newer is needed." \
            "Debian 12 and Ubuntu 24.04 have it; elsewhere install python3.11 and python3.11-venv."
}

# make_venv LOCK: .venv with exactly the packages of the lock, and this checkout.
make_venv() {
    local lock=$1 python stamp wanted quiet=(--disable-pip-version-check)
    stamp=.venv/.installed-${lock%.lock}
    wanted=$(cat "$lock" pyproject.toml | sha256sum)
    venv_works && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && return
    require_disk .
    say "Installing Python packages into .venv"
    python=$(find_python)
    venv_works || "$python" -m venv --clear .venv
    [ -t 2 ] || quiet+=(--quiet)
    if ! .venv/bin/pip install "${quiet[@]}" --require-hashes -r "$lock" ||
        ! .venv/bin/pip install "${quiet[@]}" --no-deps --no-build-isolation -e .; then
        die "The Python packages could not be installed." \
            "$network_hint For a package index of your own, set PIP_INDEX_URL."
    fi
    printf '%s\n' "$wanted" >"$stamp"
}

venv_works() { .venv/bin/python -c '' 2>/dev/null; }

require_disk() {
    local free_gib
    free_gib=$(df --output=avail -B1G "$1" | tail -n 1 | tr -d ' ')
    [ "$free_gib" -ge "$needed_gib" ] ||
        die "Only $free_gib GiB are free at $(realpath "$1"); $needed_gib GiB are needed." "Free some space first."
}

# 0: it answers; 1: it does not; 2: this user may not use it.
ask_engine() {
    .venv/bin/python - <<'PYTHON'
import sys

from workbench.cli.engine import check
from workbench.errors import EngineAway
from workbench.settings import load

try:
    check(load().docker_host)
except EngineAway as error:
    print(error, file=sys.stderr)
    sys.exit(2 if isinstance(error.__cause__, PermissionError) else 1)
PYTHON
}

start_engine() {
    local answer=0 said
    said=$(ask_engine 2>&1) || answer=$?
    [ $answer -ne 0 ] || return 0
    if [ $answer -ne 1 ] || [ -n "$engine_elsewhere" ]; then
        die "$said"
    fi
    if [ -d /run/systemd/system ]; then
        say "Starting the Docker engine: systemctl enable --now docker"
        as_root systemctl enable --now docker
    else
        say "Starting the Docker engine; its log is $engine_log"
        as_root sh -c "setsid nohup dockerd >$engine_log 2>&1 </dev/null & echo \$! >$engine_pid"
    fi
    await_engine
}

await_engine() {
    local answer said
    for _ in $(seq 120); do
        answer=0
        said=$(ask_engine 2>&1) || answer=$?
        case $answer in
            0) return ;;
            2) die "$said" ;;
        esac
        sleep 0.5
    done
    [ ! -r $engine_log ] || tail -n 15 $engine_log >&2
    die "The Docker engine does not start." "Its log says why: $engine_log, or \`journalctl -u docker\`."
}

# Ends the engine that start_engine began, unless somebody else's containers run in it.
stop_engine() {
    local pid others
    pid=$(cat $engine_pid 2>/dev/null) && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ] || return 0
    others=$(running_containers)
    if [ "$others" != 0 ]; then
        say "The Docker engine goes on: $others containers that are not Workbench's run in it."
        return
    fi
    say "Stopping the Docker engine"
    as_root kill "$pid"
    for _ in $(seq 120); do  # one that is begun while it ends would find its pid file, and give up
        [ -d "/proc/$pid" ] || break
        sleep 0.25
    done
    as_root rm "$engine_pid"
}

running_containers() {
    .venv/bin/python - <<'PYTHON'
import docker

print(len(docker.from_env().containers.list()))
PYTHON
}

# Makes the images that are missing, as the daemon would: tests that begin together need them built.
build_images() {
    say "Images, which takes some minutes where they are missing"
    .venv/bin/python - <<'PYTHON'
import sys
import tempfile
import time
from pathlib import Path

from workbench.runtime.images import Failed, Images, Present
from workbench.settings import load

with tempfile.TemporaryDirectory() as folder:
    images = Images(load({"home": Path(folder)}), "0" * 32, lambda name: None)
    for name in ("gateway", "notebook"):
        while not isinstance(status := images.ensure(name), Present):
            if isinstance(status, Failed):
                sys.exit(f"{status.reason} {status.hint}")
            time.sleep(1)
PYTHON
}
