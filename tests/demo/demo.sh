#!/usr/bin/env bash
# make demo: virtd under a private root, and the stock virsh as its client.
set -euo pipefail
cd "$(dirname "$0")/../.."

here=$(mktemp -d /tmp/virtd-demo.XXXXXX)
root=$here/root
socket=$root/run/libvirt/libvirt-sock
daemon=

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
run() { printf '$ virsh %s\n' "$*"; "${virsh[@]}" "$@"; }
quietly() { "${virsh[@]}" "$@" >/dev/null 2>&1 || true; }

start_daemon() {
    .venv/bin/virtd --root "$root" >>"$here/virtd.log" 2>&1 &
    daemon=$!
    for _ in $(seq 100); do
        quietly_ok && return
        kill -0 "$daemon" 2>/dev/null || break
        sleep 0.1
    done
    echo "virtd does not answer:"; "${virsh[@]}" version || true; cat "$here/virtd.log"; exit 1
}
quietly_ok() { [ -S "$socket" ] && "${virsh[@]}" version >/dev/null 2>&1; }

clean_up() {
    [ -z "$daemon" ] || { quietly destroy demo; quietly undefine demo; kill "$daemon" 2>/dev/null; wait "$daemon" 2>/dev/null; } || true
    rm -rf "$here"
}
trap clean_up EXIT

# Wait up to $1 seconds until the guest's console holds $2.
console_says() {
    local deadline=$((SECONDS + $1))
    until grep -qa "$2" "$here/console.log" 2>/dev/null; do
        ((SECONDS < deadline)) || return 1
        sleep 0.3
    done
}

# KVM is there on machines where an ordinary kernel does not get far under it, so one is tried for a few seconds.
kvm_runs_linux() {
    [ -w /dev/kvm ] || return 1
    timeout 8 qemu-system-x86_64 -accel kvm -m 256 -nodefaults -display none -no-reboot -kernel "$here/vmlinuz" \
        -initrd "$here/initrd.gz" -append "console=ttyS0 quiet" -serial "file:$here/probe.log" >/dev/null 2>&1 || true
    grep -qa "demo: Linux" "$here/probe.log" 2>/dev/null
}

demo_qemu() {
    say "A kernel and an initrd for the guest"
    sh tests/demo/guest.sh "$here"
    ls -l "$here/vmlinuz" "$here/initrd.gz"
    local type=qemu
    if kvm_runs_linux; then type=kvm; fi
    echo "this machine runs it by: $type"
    truncate -s 16M "$here/disk.img"
    sed -e "s|@HERE@|$here|g" -e "s|@TYPE@|$type|" tests/demo/demo.xml > "$here/demo.xml"
    chmod 755 "$here"
    chmod 666 "$here/disk.img"

    say "Define it and boot it"
    run define "$here/demo.xml"
    run start demo
    run list --all
    console_says 180 "is on the disk" || { cat "$here/console.log"; exit 1; }
    say "What it printed on its console"
    grep -a demo: "$here/console.log" | tail -5

    say "Move its disk to a copy while it writes, and pivot"
    run domblklist demo
    run blockcopy demo vda --dest "$here/copy.qcow2" --format qcow2 --transient-job --wait --verbose --pivot
    run domblklist demo

    say "Kill the daemon, start it again: the guest has not noticed"
    kill -KILL "$daemon"; wait "$daemon" 2>/dev/null || true
    start_daemon
    run list
    run dominfo demo
    tail -n 2 "$here/console.log"

    say "Shut it down"
    run shutdown demo
    for _ in $(seq 60); do [ "$("${virsh[@]}" domstate demo)" != "shut off" ] || break; sleep 0.5; done
    run domstate demo --reason
    run undefine demo
}

demo_test_driver() {
    say "There is no QEMU here and none can be installed: the same on the built-in driver test:///default"
    sed "s|@HERE@|$here|g" tests/demo/make-believe.xml > "$here/demo.xml"

    say "Define it and boot it"
    run define "$here/demo.xml"
    run start demo
    run list --all
    say "What its console says (a make-believe guest repeats what it is told)"
    { sleep 1; echo "demo: hello"; sleep 1; printf '\035'; } | script -qec "${virsh[*]} console demo" /dev/null |
        grep -v '^Authorization not available'    # virsh's own, where there is no polkit

    say "Move its disk to a copy, and pivot"
    run domblklist demo
    run blockcopy demo vda --dest "$here/copy.qcow2" --format qcow2 --transient-job --wait --verbose --pivot
    run domblklist demo

    say "Shut it down"
    run shutdown demo
    run domstate demo --reason
    run undefine demo

    say "Kill the daemon, start it again: its make-believe host begins anew"
    kill -KILL "$daemon"; wait "$daemon" 2>/dev/null || true
    start_daemon
    run list --all
}

if command -v qemu-system-x86_64 >/dev/null && command -v busybox >/dev/null; then
    mode=system
    [ "$(id -u)" = 0 ] || mode=session    # anybody else's daemon is that user's own
    virsh=(virsh -c "qemu+unix:///$mode?socket=$socket") demo=demo_qemu
else
    virsh=(virsh -c "test+unix:///default?socket=$socket") demo=demo_test_driver
fi
say "Start virtd below $root"
start_daemon
"${virsh[@]}" version
$demo
say "Done: everything is cleaned up."
