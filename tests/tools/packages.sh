#!/bin/sh
# Install the Debian packages that virtd, its demo and its tests use, if any is missing.
# packages.sh [runtime]      with "runtime" only what a host that runs virtd needs
set -eu

runtime="python3-venv python3-dev gcc pkg-config libsystemd-dev qemu-system-x86 qemu-utils ovmf iproute2"
tests="dbus-daemon libvirt-clients python3-libvirt libsys-virt-perl virtinst libvirt0 libvirt-doc busybox-static dnsmasq-base nftables"
wanted=$runtime
[ "${1:-}" = runtime ] || wanted="$runtime $tests"

command -v dpkg-query >/dev/null || { echo "not a Debian system: please install the like of: $wanted" >&2; exit 0; }
missing=
for package in $wanted; do
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
    echo "not root, so these Debian packages stay missing:$missing" >&2
    exit 0
fi
echo "installing:$missing"
apt-get update -qq
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
