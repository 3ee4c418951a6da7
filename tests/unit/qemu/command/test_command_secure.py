# SPDX-License-Identifier: LGPL-2.1-or-later
"""Encrypted displays and sockets, and the nodes of iSCSI devices."""

from __future__ import annotations

import json

import pytest

from conf.domain import format_domain, parse_domain
from conf.domain.devices.graphics import Graphics
from conf.domain.devices.single import parse_device
from drivers.qemu.command.hostdevs import number_backends
from drivers.qemu.command.spice_ports import Wanted, wanted_ports
from drivers.qemu.settings import QemuSettings
from tests.unit.qemu.command.conftest import Build, domain_xml, values
from virtd.errors import VirtError

#: attributes and channels → the ports to be chosen without and with TLS in the settings.
PORTS = {
    "<graphics type='spice' autoport='yes'/>": ((True, False), (True, True)),
    "<graphics type='spice' port='5900' tlsPort='-1' autoport='no'/>": ((False, True), (False, True)),
    "<graphics type='spice' port='5900' autoport='no'/>": ((False, False), (False, False)),
    "<graphics type='spice' autoport='yes' defaultMode='secure'/>": ((False, True), (False, True)),
    "<graphics type='spice' autoport='yes' defaultMode='insecure'/>": ((True, False), (True, False)),
    "<graphics type='spice' autoport='yes'><channel name='main' mode='secure'/></graphics>": (
        (True, True),
        (True, True),
    ),
    "<graphics type='spice' autoport='yes' defaultMode='secure'><channel name='main' mode='insecure'/></graphics>": (
        (True, True),
        (True, True),
    ),
}


@pytest.mark.parametrize("xml", PORTS)
def test_spice_ports_left_to_us(xml: str) -> None:
    graphics = parse_device(xml)
    assert isinstance(graphics, Graphics)
    plain, encrypted = PORTS[xml]
    assert wanted_ports(graphics, tls=False) == Wanted(*plain)
    assert wanted_ports(graphics, tls=True) == Wanted(*encrypted)


def test_encrypted_displays(build: Build) -> None:
    settings = QemuSettings(
        vnc_tls=True, vnc_tls_x509_cert_dir="/certs/vnc", vnc_tls_x509_verify=0, spice_tls_x509_cert_dir="/certs/spice"
    )
    devices = (
        "<graphics type='vnc' port='5904' autoport='no'/>"
        "<graphics type='spice' port='0' tlsPort='5906' autoport='no' defaultMode='secure'/>"
    )
    line = build("", devices, settings=settings)
    assert {
        "qom-type": "tls-creds-x509",
        "id": "vnc-tls-creds0",
        "dir": "/certs/vnc",
        "endpoint": "server",
        "verify-peer": False,
    } in map(json.loads, values(line, "-object"))
    assert "tls-creds=vnc-tls-creds0" in values(line, "-vnc")[0]
    assert values(line, "-spice")[0].startswith(
        "tls-port=5906,addr=127.0.0.1,disable-ticketing=on,x509-dir=/certs/spice,tls-channel=default"
    )


@pytest.mark.parametrize(("mode", "endpoint", "verify"), [("bind", "server", False), ("connect", "client", True)])
def test_encrypted_socket(build: Build, mode: str, endpoint: str, *, verify: bool) -> None:
    settings = QemuSettings(chardev_tls_x509_cert_dir="/certs", chardev_tls_x509_verify=0)
    serial = (
        f"<serial type='tcp'><source mode='{mode}' host='::1' service='99' tls='yes'/><target port='0'/>"
        "<alias name='serial0'/></serial>"
    )
    line = build("", serial, settings=settings)
    assert {
        "qom-type": "tls-creds-x509",
        "id": "objcharserial0_tls0",
        "dir": "/certs",
        "endpoint": endpoint,
        "verify-peer": verify,
    } in map(json.loads, values(line, "-object"))
    assert "tls-creds=objcharserial0_tls0" in values(line, "-chardev")[1]


def test_certificates_lie_where_the_settings_say() -> None:
    settings = QemuSettings(default_tls_x509_cert_dir="/d", default_tls_x509_verify=False, vnc_tls_x509_verify=1)
    assert settings.tls_directory("chardev") == "/d"
    assert not settings.tls_verifies("chardev")
    assert settings.tls_verifies("vnc")


ISCSI = (
    "<hostdev mode='subsystem' type='scsi'><source protocol='iscsi' name='iqn.x:t{}'><host name='::1' port='3260'/></source>"
    "<alias name='hostdev{}'/><address type='drive' controller='0' bus='0' target='0' unit='{}'/></hostdev>"
)


def test_nodes_of_iscsi_devices_go_on_from_those_of_images() -> None:
    xml = domain_xml("", ISCSI.format("/1", 0, 0) + ISCSI.format("", 1, 1))
    domain = parse_domain(xml, inactive=False)
    assert number_backends(domain.devices.hostdevs, 4) == 6
    assert [hostdev.source.index for hostdev in domain.devices.hostdevs] == [5, 6]
    again = parse_domain(format_domain(domain, inactive=False, status=True), inactive=False, status=True)
    assert [hostdev.source.index for hostdev in again.devices.hostdevs] == [5, 6]
    assert "index" not in format_domain(domain).split("<hostdev")[1]


def test_a_logical_unit_is_a_number(build: Build) -> None:
    with pytest.raises(VirtError, match="lunStr"):
        build("", ISCSI.format("/x", 0, 0))
