#!/bin/sh
# Install the Debian packages that virtd, its demo and its tests use, if any is missing, and make the account that
# runs QEMU for root's daemon and the group that may manage it (those that Debian's libvirt packages use).
# packages.sh [runtime]      with "runtime" only what a host that runs virtd needs
set -eu

runtime="python3-venv python3-dev gcc pkg-config libsystemd-dev qemu-system-x86 qemu-utils ovmf iproute2"
tests="dbus-daemon libvirt-clients python3-libvirt libsys-virt-perl virtinst libvirt0 libvirt-dev libvirt-doc busybox-static dnsmasq-base nftables"
wanted=$runtime
[ "${1:-}" = runtime ] || wanted="$runtime $tests"

install() { DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null; }

command -v dpkg-query >/dev/null || { echo "not a Debian system: please install the like of: $wanted" >&2; exit 0; }
missing=
for package in $wanted; do
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
if [ "$(id -u)" != 0 ]; then
    [ -z "$missing" ] || echo "not root, so these Debian packages stay missing:$missing" >&2
    exit 0
fi
if [ -n "$missing" ]; then
    echo "installing:$missing"
    apt-get update -qq || echo "the lists of packages are as old as they were" >&2
    # One that cannot be had keeps none of the others away: the demo, for one, does without QEMU.
    # shellcheck disable=SC2086
    install $missing || for package in $missing; do
        install "$package" || echo "this Debian package stays missing: $package" >&2
    done
fi
for group in kvm libvirt libvirt-qemu; do
    getent group "$group" >/dev/null || groupadd --system "$group"
done
getent passwd libvirt-qemu >/dev/null ||
    useradd --system --gid kvm --groups libvirt-qemu --home-dir /var/lib/libvirt --no-create-home --shell /usr/sbin/nologin libvirt-qemu
