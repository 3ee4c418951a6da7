# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirtd.conf: the administrator's choices for the daemon."""

from __future__ import annotations

import grp
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    NonNegativeInt,
    PositiveInt,
    ValidationError,
)

from virtd.errors import VirtError
from virtd.host import logs
from virtd.store import conffile


def _octal(value: Any) -> Any:
    try:
        return int(value, 8) if isinstance(value, str) else value
    except ValueError:
        raise ValueError("should be an octal number in quotes") from None


def _group_id(value: Any) -> Any:
    try:
        return grp.getgrnam(value).gr_gid if isinstance(value, str) else value
    except KeyError:
        raise ValueError("names a group that does not exist") from None


def _checked(parse: Callable[[str], object]) -> Callable[[str], str]:
    """A validator of texts that `parse` takes."""

    def validate(text: str) -> str:
        try:
            parse(text)
        except VirtError as error:
            raise ValueError(error.detail) from None
        return text

    return validate


Mode = Annotated[int, BeforeValidator(_octal)]
Group = Annotated[int, BeforeValidator(_group_id)]
Filters = Annotated[str, AfterValidator(_checked(logs.parse_filters))]
Outputs = Annotated[str, AfterValidator(_checked(logs.parse_outputs))]
Auth = Literal["none", "polkit"]


class Settings(BaseModel):
    """One field an option of libvirtd.conf, with its name and default there; `uvloop` is this daemon's own.

    What depends on other things is None until somebody asks: see the methods.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    unix_sock_dir: Path | None = None
    unix_sock_group: Group | None = None
    unix_sock_ro_perms: Mode = 0o777
    unix_sock_rw_perms: Mode | None = None
    unix_sock_admin_perms: Mode = 0o700
    auth_unix_ro: Auth | None = None
    auth_unix_rw: Auth | None = None

    max_clients: PositiveInt = 5000
    max_queued_clients: NonNegativeInt = 1000
    max_anonymous_clients: NonNegativeInt = 20
    max_client_requests: PositiveInt = 5
    keepalive_interval: int = 5
    keepalive_count: NonNegativeInt = 5

    admin_max_clients: PositiveInt = 5
    admin_max_queued_clients: NonNegativeInt = 5
    admin_max_client_requests: PositiveInt = 5
    admin_keepalive_interval: int = 5
    admin_keepalive_count: NonNegativeInt = 5

    log_level: Literal[1, 2, 3, 4] = 3
    log_filters: Filters = ""
    log_outputs: Outputs = ""

    uvloop: bool = True

    def auth(self, *, readonly: bool, privileged: bool) -> Auth:
        """How callers on the unix sockets prove that they may: a user's own daemon asks nobody."""
        chosen = self.auth_unix_ro if readonly else self.auth_unix_rw
        return chosen or ("polkit" if privileged else "none")

    def mode(self, *, readonly: bool, privileged: bool) -> int:
        """The permissions of the unix sockets: open to all only where somebody asks who comes."""
        if not privileged:
            return 0o700
        if readonly:
            return self.unix_sock_ro_perms
        if self.unix_sock_rw_perms is not None:
            return self.unix_sock_rw_perms
        return 0o777 if self.auth(readonly=False, privileged=True) == "polkit" else 0o700


#: Options of libvirtd.conf that mean nothing here: threads, which this daemon does not have, and what
#: belongs to listening on the network, which it refuses to do.
WITHOUT_MEANING = frozenset(
    [
        "min_workers",
        "max_workers",
        "prio_workers",
        "admin_min_workers",
        "admin_max_workers",
        "listen_tls",
        "listen_tcp",
        "tls_port",
        "tcp_port",
        "listen_addr",
        "auth_tcp",
        "auth_tls",
        "tcp_min_ssf",
        "key_file",
        "cert_file",
        "ca_file",
        "crl_file",
        "tls_no_sanity_certificate",
        "tls_no_verify_certificate",
        "tls_allowed_dn_list",
        "tls_priority",
        "sasl_allowed_username_list",
        "keepalive_required",
        "admin_keepalive_required",
        "audit_level",
        "audit_logging",
        "host_uuid",
        "host_uuid_source",
        "ovs_timeout",
    ]
)


def load_settings(path: Path) -> Settings:
    """Read `path`; defaults where there is no such file.

    Raises:
        VirtError: CONF_SYNTAX, with file, line and option; SYSTEM_ERROR, the file cannot be read.
    """
    found = conffile.read(path)
    if found.get("access_drivers"):
        # to ignore this one would open what the administrator closed
        raise found.complaint("access_drivers", "is not supported")
    options = {name: value for name, value in found.items() if name not in WITHOUT_MEANING | {"access_drivers"}}
    try:
        return Settings.model_validate(options)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        text = "is not an option" if first["type"] == "extra_forbidden" else first["msg"].removeprefix("Value error, ")
        raise found.complaint(name, text) from None
