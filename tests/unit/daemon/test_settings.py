# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirtd.conf: what is taken, what is refused, and what follows from what."""

from __future__ import annotations

from pathlib import Path

import pytest

from virtd.errors import Code, VirtError
from virtd.settings import Settings, load_settings


def load(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "libvirtd.conf"
    path.write_text(text)
    return load_settings(path)


def test_no_file_means_defaults(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "none") == Settings()


def test_values_of_every_kind(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        """
        # a comment
        unix_sock_group = "root"
        unix_sock_rw_perms = "0770"   # octal
        auth_unix_rw = "none"
        max_clients = 7
        uvloop = 0
        log_filters = '1:qemu 2:virtd'
        min_workers = 5
        tls_allowed_dn_list = [ "a", "b" ]
        """,
    )
    assert settings.unix_sock_group == 0
    assert settings.unix_sock_rw_perms == 0o770
    assert settings.max_clients == 7
    assert settings.uvloop is False
    assert settings.log_filters == "1:qemu 2:virtd"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("max_clients = 0", "1: max_clients: "),
        ('\nmax_clients = "many"', "2: max_clients: "),
        ('unix_sock_ro_perms = "rwx"', "1: unix_sock_ro_perms: should be an octal number in quotes"),
        ('unix_sock_group = "no-such-group"', "1: unix_sock_group: names a group that does not exist"),
        ('auth_unix_ro = "sasl"', "1: auth_unix_ro: "),
        ("log_level = 5", "1: log_level: "),
        ("\n\nmax_client = 5", "3: max_client: is not an option"),
        ('access_drivers = [ "polkit" ]', "1: access_drivers: is not supported"),
        ("max_clients = ", "1: "),
        ('log_filters = "1:qemu 9:x"', "1: log_filters: Invalid priority '9' for filter '9:x'"),
        ('\nlog_outputs = "3:nowhere"', "2: log_outputs: Invalid log destination 'nowhere' for log output '3:nowhere'"),
    ],
)
def test_errors_name_file_line_and_option(tmp_path: Path, text: str, where: str) -> None:
    with pytest.raises(VirtError) as raised:
        load(tmp_path, text)
    assert raised.value.code == Code.CONF_SYNTAX
    assert f"{tmp_path}/libvirtd.conf:{where}" in str(raised.value)


@pytest.mark.parametrize(
    ("options", "privileged", "auth", "mode"),
    [
        ({}, True, "polkit", 0o777),
        ({"auth_unix_rw": "none"}, True, "none", 0o700),
        ({"auth_unix_rw": "none", "unix_sock_rw_perms": "0770"}, True, "none", 0o770),
        ({}, False, "none", 0o700),
    ],
)
def test_who_may_connect(options: dict[str, object], privileged: bool, auth: str, mode: int) -> None:
    settings = Settings.model_validate(options)
    assert settings.auth(readonly=False, privileged=privileged) == auth
    assert settings.mode(readonly=False, privileged=privileged) == mode


def test_the_file_that_debian_ships_is_accepted(tmp_path: Path) -> None:
    """Every option that the real daemon documents, with the value its documentation shows."""
    shown = """
        listen_tls = 0
        tcp_port = "16509"
        unix_sock_admin_perms = "0700"
        unix_sock_dir = "/run/libvirt"
        auth_tcp = "sasl"
        tls_no_sanity_certificate = 1
        max_queued_clients = 1000
        max_anonymous_clients = 20
        admin_max_workers = 5
        prio_workers = 5
        audit_level = 2
        host_uuid_source = "smbios"
        keepalive_interval = 5
        keepalive_required = 1
        admin_keepalive_count = 5
        ovs_timeout = 5
    """
    assert load(tmp_path, shown).unix_sock_dir == Path("/run/libvirt")
