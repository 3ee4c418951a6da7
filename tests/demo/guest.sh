#!/bin/sh
# Make the demo's guest: a Linux kernel and an initrd of busybox that writes a counter to its disk.
# guest.sh FOLDER      leaves FOLDER/vmlinuz and FOLDER/initrd.gz
set -eu
out=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

find_kernel() {
    for kernel in /boot/vmlinuz-*-cloud-amd64; do
        version=${kernel#/boot/vmlinuz-}
        if [ -r "$kernel" ] && [ -d "/lib/modules/$version" ]; then root=/; return; fi
    done
    # Not installed, and it need not be: unpacking the package leaves this machine's own boot alone.
    package=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends:/ { print $2; exit }')
    (cd "$work" && apt-get -qq download "$package" && dpkg-deb -x ./*.deb root)
    root=$work/root
    for kernel in "$root"/boot/vmlinuz-*; do version=${kernel##*/vmlinuz-}; done
}

find_kernel
cp "$kernel" "$out/vmlinuz"

initrd=$work/initrd
mkdir -p "$initrd/bin" "$initrd/proc" "$initrd/dev" "$initrd/sys" "$initrd/modules" "$initrd/etc/acpi/PWRF"
cp "$(command -v busybox)" "$initrd/bin/busybox"
modules="virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk button evdev"
for module in $modules; do
    find "${root%/}/lib/modules/$version" -name "$module.ko" -exec cp {} "$initrd/modules/" \;
done
cat > "$initrd/init" <<EOF
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
for module in $modules; do insmod /modules/\$module.ko; done
acpid -l /dev/null
echo "demo: Linux \$(uname -r) is up, its disk has \$(cat /sys/block/vda/size) sectors"
counter=0
while :; do
    counter=\$((counter + 1))
    printf '%-512s' "\$counter" | dd of=/dev/vda bs=512 conv=fsync 2>/dev/null && echo "demo: \$counter is on the disk"
    sleep 1
done
EOF
printf '#!/bin/busybox sh\npoweroff -f\n' > "$initrd/etc/acpi/PWRF/00000080"
chmod 755 "$initrd/init" "$initrd/etc/acpi/PWRF/00000080"
(cd "$initrd" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1) > "$out/initrd.gz"
