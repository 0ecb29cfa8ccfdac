#!/bin/sh
# Make .venv with the pinned packages, for `make`: install.sh PYTHON [dev]. With dev, add those for developers.
#
# Whatever cuts this off, the next call goes on: an environment that was not finished is made again from nothing, and
# packages for developers are installed again over a half-installed one. Of two calls the second waits, also for what
# a killed call left running. Every file is checked against the hashes in the lock files.
set -eu
python=$1
pip=".venv/bin/python -m pip --disable-pip-version-check --quiet install --no-compile --require-hashes --no-deps"
ready=.venv/.installed

stop() {
    echo "$*" >&2
    exit 1
}

# Before anything is made.
command -v "$python" > /dev/null || stop "There is no program '$python': make PYTHON=python3.11 ..."
"$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' ||
    stop "The pinned versions are for Python 3.11, '$python' is $("$python" --version): make PYTHON=python3.11 ..."
[ ! -L .venv ] || stop ".venv is a link, and making the environment would empty the folder that it leads to: remove it."
if command -v flock > /dev/null; then
    exec 9< requirements.lock
    flock 9
fi

if [ ! "$ready" -nt requirements.lock ]; then
    "$python" -m venv --clear .venv
    # First what builds the packages that have no wheel, so that they need no others.
    sed -n '/^setuptools==/,/[^\\]$/p' requirements.lock > .venv/setuptools.lock
    $pip --requirement .venv/setuptools.lock
    # PyTorch's CPU builds, where an index or a folder offers them: pip would prefer other files, whose hashes it sees.
    for name in torch torchvision; do
        sed -n "/^$name==/,/[^\\\\]\$/p" requirements.lock | sed "s/^$name==[0-9.]*/&+cpu/" > .venv/cpu.lock
        $pip --requirement .venv/cpu.lock 2> /dev/null || true
    done
    $pip --no-build-isolation --requirement requirements.lock
    if .venv/bin/python requirements/is_cuda_build.py; then
        $pip --no-build-isolation --requirement requirements-cuda.lock
    fi
    .venv/bin/python -m pip --disable-pip-version-check --quiet install --no-deps --no-build-isolation --editable .
    # Compile everything now, on all cores, because every job imports some of it. (Some files don't compile.)
    .venv/bin/python -m compileall -qq -j 0 .venv/lib > /dev/null || true
    touch "$ready"
fi

if [ "${2:-}" = dev ] && { [ ! .venv/.installed-dev -nt requirements-dev.lock ] || [ ! .venv/.installed-dev -nt "$ready" ]; }; then
    $pip --no-build-isolation --force-reinstall --requirement requirements-dev.lock
    touch .venv/.installed-dev
fi
