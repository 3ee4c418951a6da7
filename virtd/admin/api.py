# SPDX-License-Identifier: LGPL-2.1-or-later
"""The admin program: the daemon's servers, their clients and limits, the log, the idle timeout.

Methods are named after the procedures and take and give the wire's fields.
"""

from __future__ import annotations

import grp
from typing import NamedTuple, Protocol

from virtd.enums import TypedParameterType as T
from virtd.errors import Code, From, VirtError, check_flags, no_support
from virtd.host.logs import Logs
from virtd.idle import IdleTimer
from virtd.params import ParamList, TypedParam, validate_params
from virtd.server.client import Client
from virtd.server.own import LIBVIRT_VERSION
from virtd.server.server import Server

_TRANSPORT_UNIX = 0

#: What SERVER_SET_CLIENT_LIMITS may set, and where it is kept.
_LIMITS = {"nclients_max": "max_clients", "nclients_unauth_max": "max_anonymous_clients"}


class Administered(Protocol):
    """The daemon, as far as it can be administered."""

    servers: dict[str, Server]
    logs: Logs
    idle: IdleTimer


class ServerRef(NamedTuple):
    """A server on the wire."""

    name: str


class ClientRef(NamedTuple):
    """A client on the wire; `timestamp` is when it connected, in seconds since 1970."""

    srv: ServerRef
    id: int
    timestamp: int
    transport: int


class AdminApi:
    """What administrators can ask of `daemon`."""

    def __init__(self, daemon: Administered) -> None:
        self._daemon = daemon

    def _server(self, name: str) -> Server:
        if name not in self._daemon.servers:
            raise VirtError(Code.NO_SERVER, f"No server named '{name}'", source=From.RPC)
        return self._daemon.servers[name]

    def _client(self, ref: ClientRef) -> Client:
        client = self._server(ref.srv.name).clients.get(ref.id)
        if client is None:
            raise VirtError(Code.NO_CLIENT, f"No client with matching ID '{ref.id}'", source=From.RPC)
        return client

    # the daemon

    def connect_open(self, flags: int) -> tuple[()]:
        """virAdmConnectOpen."""
        check_flags(flags, 0, "adminDispatchConnectOpen")
        return ()

    def connect_get_lib_version(self) -> tuple[int]:
        """virAdmConnectGetLibVersion."""
        return (LIBVIRT_VERSION,)

    def connect_set_daemon_timeout(self, timeout: int, flags: int) -> tuple[()]:
        """virAdmConnectSetDaemonTimeout: seconds without use after which the daemon ends; 0 for never."""
        check_flags(flags, 0, "adminConnectSetDaemonTimeout")
        self._daemon.idle.set_timeout(timeout)
        return ()

    # servers

    def connect_list_servers(self, need_results: int, flags: int) -> tuple[list[ServerRef], int]:
        """virAdmConnectListServers."""
        check_flags(flags, 0, "adminConnectListServers")
        names = sorted(self._daemon.servers)
        return [ServerRef(name) for name in names] if need_results else [], len(names)

    def connect_lookup_server(self, name: str, flags: int) -> tuple[ServerRef]:
        """virAdmConnectLookupServer."""
        check_flags(flags, 0, "adminConnectLookupServer")
        return (ServerRef(self._server(name).name),)

    def server_get_threadpool_parameters(self, srv: ServerRef, flags: int) -> tuple[ParamList]:
        """virAdmServerGetThreadPoolParameters: there are no worker threads; calls do wait in a queue."""
        check_flags(flags, 0, "adminServerGetThreadPoolParameters")
        server = self._server(srv.name)
        params = ParamList()
        for field in ("minWorkers", "maxWorkers", "nWorkers", "freeWorkers", "prioWorkers"):
            params.add_uint(field, 0)
        params.add_uint("jobQueueDepth", sum(client.waiting_calls for client in server.clients.values()))
        return (params,)

    def server_set_threadpool_parameters(self, srv: ServerRef, params: list[TypedParam], flags: int) -> tuple[()]:
        """virAdmServerSetThreadPoolParameters: there is no pool to set."""
        raise no_support("virAdmServerSetThreadPoolParameters")

    def server_get_client_limits(self, srv: ServerRef, flags: int) -> tuple[ParamList]:
        """virAdmServerGetClientLimits."""
        check_flags(flags, 0, "adminServerGetClientLimits")
        server = self._server(srv.name)
        params = ParamList()
        params.add_uint("nclients_max", server.limits.max_clients)
        params.add_uint("nclients", len(server.clients))
        params.add_uint("nclients_unauth_max", server.limits.max_anonymous_clients)
        params.add_uint("nclients_unauth", server.anonymous)
        return (params,)

    def server_set_client_limits(self, srv: ServerRef, params: list[TypedParam], flags: int) -> tuple[()]:
        """virAdmServerSetClientLimits; those who are inside stay."""
        check_flags(flags, 0, "adminServerSetClientLimits")
        server = self._server(srv.name)
        given = validate_params(params, dict.fromkeys(_LIMITS, int(T.UINT)))
        wanted = {
            attribute: given.get(field, getattr(server.limits, attribute)) for field, attribute in _LIMITS.items()
        }
        if int(wanted["max_anonymous_clients"]) > int(wanted["max_clients"]):
            raise VirtError(
                Code.INVALID_ARG,
                "The overall maximum number of clients waiting for authentication must not be less than the "
                "overall maximum number of clients",
                source=From.RPC,
            )
        for attribute, value in wanted.items():
            setattr(server.limits, attribute, value)
        server.clients_changed()
        return ()

    def server_update_tls_files(self, srv: ServerRef, flags: int) -> tuple[()]:
        """virAdmServerUpdateTlsFiles: no server here speaks TLS."""
        check_flags(flags, 0, "adminServerUpdateTlsFiles")
        self._server(srv.name)
        text = "no tls service found, unable to update tls files"
        raise VirtError(Code.INTERNAL_ERROR, text, source=From.RPC)

    # clients

    def server_list_clients(self, srv: ServerRef, need_results: int, flags: int) -> tuple[list[ClientRef], int]:
        """virAdmServerListClients."""
        check_flags(flags, 0, "adminServerListClients")
        clients = self._server(srv.name).clients.values()
        return [_client_ref(srv, client) for client in clients] if need_results else [], len(clients)

    def server_lookup_client(self, srv: ServerRef, id: int, flags: int) -> tuple[ClientRef]:  # noqa: A002  # the wire's word
        """virAdmServerLookupClient."""
        check_flags(flags, 0, "adminServerLookupClient")
        return (_client_ref(srv, self._client(ClientRef(srv, id, 0, 0))),)

    def client_get_info(self, clnt: ClientRef, flags: int) -> tuple[ParamList]:
        """virAdmClientGetInfo."""
        check_flags(flags, 0, "adminClientGetInfo")
        client = self._client(clnt)
        identity = client.identity
        params = ParamList()
        params.add_bool("readonly", client.readonly)
        params.add_int("unix_user_id", identity.uid or 0)
        params.add_string("unix_user_name", identity.user or "")
        params.add_int("unix_group_id", identity.gid or 0)
        params.add_string("unix_group_name", _group_name(identity.gid or 0))
        params.add_int("unix_process_id", identity.pid or 0)
        return (params,)

    def client_close(self, clnt: ClientRef, flags: int) -> tuple[()]:
        """virAdmClientClose."""
        check_flags(flags, 0, "adminClientClose")
        self._client(clnt).hang_up("closed by the administrator")
        return ()

    # the log

    def connect_get_logging_outputs(self, flags: int) -> tuple[str, int]:
        """virAdmConnectGetLoggingOutputs."""
        check_flags(flags, 0, "adminConnectGetLoggingOutputs")
        outputs = self._daemon.logs.outputs
        return outputs, len(outputs.split())

    def connect_get_logging_filters(self, flags: int) -> tuple[str | None, int]:
        """virAdmConnectGetLoggingFilters."""
        check_flags(flags, 0, "adminConnectGetLoggingFilters")
        filters = self._daemon.logs.filters
        return filters or None, len(filters.split())

    def connect_set_logging_outputs(self, outputs: str | None, flags: int) -> tuple[()]:
        """virAdmConnectSetLoggingOutputs; None is the default output."""
        check_flags(flags, 0, "adminConnectSetLoggingOutputs")
        self._daemon.logs.set_outputs(outputs or "")
        return ()

    def connect_set_logging_filters(self, filters: str | None, flags: int) -> tuple[()]:
        """virAdmConnectSetLoggingFilters; None is none."""
        check_flags(flags, 0, "adminConnectSetLoggingFilters")
        self._daemon.logs.set_filters(filters or "")
        return ()


def _client_ref(srv: ServerRef, client: Client) -> ClientRef:
    return ClientRef(srv, client.number, client.since, _TRANSPORT_UNIX)


def _group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return ""
