#!/bin/sh
# virtd as a service of a systemd host, seen from inside: run it there as root, with virtd installed.
# Prints a line a check and in the end "N passed, N failed".  Needs virsh, QEMU, and a user named by LAB_USER (labuser).
user=${LAB_USER:-labuser} image=${1:-/srv/lab/tiny-boot.img}
pass=0 fail=0
check() {  # check NAME COMMAND-LINE
    if out=$(sh -c "$2" 2>&1); then pass=$((pass + 1)); r=PASS; else fail=$((fail + 1)); r=FAIL; fi
    printf '%s %-42s %s\n' $r "$1" "$(echo "$out" | tail -n 1 | cut -c1-110)"
}
cat > /tmp/service-guest.xml <<E
<domain type='qemu'>
  <name>service</name><memory unit='MiB'>32</memory><os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>
  <devices>
    <disk type='file'><driver name='qemu' type='raw'/><source file='$image'/><target dev='vda' bus='virtio'/><readonly/></disk>
    <serial type='pty'/>
  </devices>
</domain>
E
systemctl stop virtd.service
check 'sockets listen without the daemon' 'systemctl start virtd.socket virtd-ro.socket virtd-admin.socket; ! systemctl is-active virtd.service && [ -S /run/libvirt/libvirt-sock ]'
check 'a client starts it' 'virsh -c qemu:///system version && systemctl is-active virtd.service'
check 'it says that it is ready' '[ "$(systemctl show -P SubState virtd)" = running ] && [ "$(systemctl show -P Type virtd)" = notify ]'
check 'define and start' 'virsh define /tmp/service-guest.xml && virsh start service && virsh domstate service | grep running'
check 'QEMU is in no group of the service' 'pid=$(cat /run/libvirt/qemu/service.pid) && ! grep -q "virtd.service$" /proc/$pid/cgroup && cat /proc/$pid/cgroup'
check 'the guest outlives a restart' 'pid=$(cat /run/libvirt/qemu/service.pid); systemctl restart virtd && virsh domstate service | grep running && [ "$pid" = "$(cat /run/libvirt/qemu/service.pid)" ]'
check 'the guest outlives a stop' 'pid=$(cat /run/libvirt/qemu/service.pid); systemctl stop virtd.service && kill -0 $pid && virsh domstate service | grep running'
check 'killed, it comes back and knows the guest' 'pid=$(systemctl show -P MainPID virtd); kill -KILL $pid; sleep 3; virsh domstate service | grep running && [ "$(systemctl show -P MainPID virtd)" != $pid ]'
check 'a user may look at it read-only' "runuser -u $user -- virsh -r -c qemu:///system list | grep service"
check 'a user may not manage it' "! runuser -u $user -- virsh -c qemu:///system list </dev/null"
check 'reload' 'systemctl reload virtd && virsh list | grep service'
check 'log in the journal' 'journalctl -u virtd -n 5 --no-pager | grep -i virtd'
check 'the guest obeys its power button' 'virsh shutdown service; for i in $(seq 50); do virsh domstate service | grep -q "shut off" && exit 0; sleep 0.3; done; exit 1'
check 'nothing of it is left' 'virsh undefine service; ! pgrep -f guest=servic[e]'
check 'the admin socket answers' 'virt-admin -c libvirtd:///system srv-list'
echo "$pass passed, $fail failed"
[ $fail = 0 ]
