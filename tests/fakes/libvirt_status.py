# SPDX-License-Identifier: LGPL-2.1-or-later
"""Status files as libvirtd 9.0.0 writes them, for a small guest with a disk and a terminal."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

#: Every file begins with a comment of some lines.
NOTICE = """\
<!--
Made by a machine;
do not edit.
-->

"""
UUID = "5a7c0f86-3c0f-4f0e-8d6b-1f2e3d4c5b6a"


@dataclass(slots=True)
class LibvirtFile:
    """What the file says; `before_devices`, `blockjobs` and `mirror` are XML of their own."""

    folder: Path
    image: str
    name: str = "left"
    pid: int = 1
    state: str = "running"
    reason: str = "booted"
    uuid: str = UUID
    id: int = 5
    before_devices: str = ""
    blockjobs: str = "<blockjobs active='no'/>"
    mirror: str = ""
    interfaces: str = ""
    storage_node: str = "libvirt-1-storage"
    pty: str = "/dev/pts/7"
    aliases: list[str] = field(
        default_factory=lambda: ["virtio-disk0", "serial0", "video0", "balloon0", "pci.1", "pci.2"]
    )

    def text(self) -> str:
        """The document."""
        devices = "".join(f"    <device alias='{alias}'/>\n" for alias in self.aliases)
        return f"""\
{NOTICE}<domstatus state='{self.state}' reason='{self.reason}' pid='{self.pid}'>
  <taint flag='custom-monitor'/>
  <deprecation>something old</deprecation>
  <monitor path='{self.folder}/monitor.sock' type='unix'/>
  <vcpus>
    <vcpu id='0' pid='{self.pid}'/>
  </vcpus>
  <qemuCaps>
    <flag name='kvm'/>
  </qemuCaps>
{self.before_devices}  <devices>
{devices}  </devices>
  <libDir path='{self.folder}'/>
  <channelTargetDir path='{self.folder}-channels'/>
  <cpu mode='custom' match='exact' check='none'>
    <model fallback='forbid'>qemu64</model>
  </cpu>
  <chardevStdioLogd/>
  <rememberOwner/>
  <nodename index='4'/>
  <fdset index='0'/>
  {self.blockjobs}
  <agentTimeout>-2</agentTimeout>
{self._domain()}</domstatus>
"""

    def _domain(self) -> str:
        return f"""\
  <domain type='qemu' id='{self.id}'>
    <name>{self.name}</name>
    <uuid>{self.uuid}</uuid>
    <memory unit='KiB'>32768</memory>
    <currentMemory unit='KiB'>32768</currentMemory>
    <vcpu placement='static'>1</vcpu>
    <resource>
      <partition>/machine</partition>
    </resource>
    <os>
      <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>
      <boot dev='hd'/>
    </os>
    <features>
      <acpi/>
    </features>
    <cpu mode='custom' match='exact' check='none'>
      <model fallback='forbid'>qemu64</model>
    </cpu>
    <clock offset='utc'/>
    <on_poweroff>destroy</on_poweroff>
    <on_reboot>restart</on_reboot>
    <on_crash>destroy</on_crash>
    <devices>
      <emulator>/usr/bin/qemu-system-x86_64</emulator>
      <disk type='file' device='disk'>
        <driver name='qemu' type='raw'/>
        <source file='{self.image}' index='1'>
          <privateData>
            <nodenames>
              <nodename type='storage' name='{self.storage_node}'/>
              <nodename type='format' name='libvirt-1-format'/>
            </nodenames>
          </privateData>
        </source>
        <backingStore/>
{self.mirror}        <target dev='vda' bus='virtio'/>
        <alias name='virtio-disk0'/>
        <address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>
        <privateData>
          <qom name='/machine/peripheral/virtio-disk0/virtio-backend'/>
        </privateData>
      </disk>
      <controller type='pci' index='0' model='pcie-root'>
        <alias name='pcie.0'/>
      </controller>
      <controller type='pci' index='1' model='pcie-root-port'>
        <model name='pcie-root-port'/>
        <target chassis='1' port='0x10'/>
        <alias name='pci.1'/>
        <address type='pci' domain='0x0000' bus='0x00' slot='0x02' function='0x0' multifunction='on'/>
      </controller>
      <controller type='pci' index='2' model='pcie-root-port'>
        <model name='pcie-root-port'/>
        <target chassis='2' port='0x11'/>
        <alias name='pci.2'/>
        <address type='pci' domain='0x0000' bus='0x00' slot='0x02' function='0x1'/>
      </controller>
{self.interfaces}      <serial type='pty'>
        <source path='{self.pty}'/>
        <target type='isa-serial' port='0'>
          <model name='isa-serial'/>
        </target>
        <alias name='serial0'/>
      </serial>
      <console type='pty' tty='{self.pty}'>
        <source path='{self.pty}'/>
        <target type='serial' port='0'/>
        <alias name='serial0'/>
      </console>
      <audio id='1' type='none'/>
      <video>
        <model type='vga' vram='16384' heads='1' primary='yes'/>
        <alias name='video0'/>
        <address type='pci' domain='0x0000' bus='0x00' slot='0x01' function='0x0'/>
      </video>
      <memballoon model='none'/>
    </devices>
    <seclabel type='dynamic' model='dac' relabel='yes'>
      <label>+0:+0</label>
      <imagelabel>+0:+0</imagelabel>
    </seclabel>
  </domain>
"""
