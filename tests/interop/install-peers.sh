#!/usr/bin/env bash
# Installs the outside SIP peers that tests/interop calls. Debian or Ubuntu; as root or through sudo; safe to repeat.
set -euo pipefail

packages=(sip-tester baresip-core kamailio tcpdump)

missing=()
for package in "${packages[@]}"; do
    dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
    echo "All peers are installed: ${packages[*]}"
    exit 0
fi

if ! command -v apt-get >/dev/null; then
    echo "No apt-get here. Install these by your own package manager: ${missing[*]}" >&2
    exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "Neither root nor sudo: install these by hand: ${missing[*]}" >&2; exit 1; }
    as_root=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
echo "Installed: ${missing[*]}"
