# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command: `virtd` with the options of libvirtd."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from virtd.daemon import Daemon, Options
from virtd.errors import Code, From, VirtError
from virtd.host.daemonise import daemonise
from virtd.host.logs import Logs
from virtd.host.paths import Paths
from virtd.server.own import LIBVIRT_RELEASE
from virtd.settings import Settings, load_settings

#: More does not fit what the event loop waits with.
_MAX_SECONDS = 2**31 - 1

_DEFAULTS = """\
default paths (root; any other user: by the XDG rules):
  configuration  /etc/libvirt/libvirtd.conf, /etc/libvirt/qemu.conf
  sockets        /run/libvirt/libvirt-sock, libvirt-sock-ro, libvirt-admin-sock
  pid file       /run/libvirtd.pid
with --root DIR: the same below DIR
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the daemon; the result is the exit status."""
    options = _parser().parse_args(arguments)
    if options.version:
        print(f"virtd {version('virtd')} (libvirt {LIBVIRT_RELEASE})")
        return 0
    if options.listen:
        return _fail("--listen: TCP and TLS are not supported yet")
    try:
        return _run(options)
    except VirtError as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error))


def _fail(reason: str) -> int:
    print(f"virtd: error: {reason}", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="virtd",
        description="libvirt management daemon",
        epilog=_DEFAULTS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="verbose messages")
    parser.add_argument("-d", "--daemon", action="store_true", help="run as a daemon & write PID file")
    parser.add_argument("-l", "--listen", action="store_true", help="listen for TCP/IP connections (not supported)")
    parser.add_argument("-t", "--timeout", type=_seconds, default=0, metavar="SECS", help="exit after idle for SECS")
    parser.add_argument("-f", "--config", type=_path, metavar="FILE", help="configuration file")
    parser.add_argument("-p", "--pid-file", type=_path, metavar="FILE", help="change name of PID file")
    parser.add_argument("--root", type=_path, metavar="DIR", help="keep everything below DIR")
    parser.add_argument("-V", "--version", action="store_true", help="print the version and exit")
    return parser


def _seconds(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= _MAX_SECONDS):
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of seconds above 0")
    return int(text)


def _path(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("the name is empty")
    return Path(text)


def _run(options: argparse.Namespace) -> int:
    privileged = os.geteuid() == 0
    paths = _paths(options.root, privileged=privileged)
    settings = load_settings(_config_file(options.config, paths))
    ready: Callable[[], None] = lambda: None  # noqa: E731
    if options.daemon:
        ready = daemonise(paths.log / "virtd.log")
    os.umask(0o022 if privileged else 0o077)
    daemon_options = Options(
        paths=paths,
        settings=settings,
        logs=Logs(2 if options.verbose else settings.log_level, settings.log_filters, settings.log_outputs),
        privileged=privileged,
        pid_file=options.pid_file or _pid_file(paths, privileged=privileged),
        timeout=options.timeout,
        ready=ready,
    )
    _spare_the_collector()
    with asyncio.Runner(loop_factory=_loop_factory(settings)) as runner:
        runner.run(_serve(daemon_options))
    return 0


def _spare_the_collector() -> None:
    """What is imported is no garbage, and one bulk reply is ten thousand objects that are none either."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


async def _serve(options: Options) -> None:
    await Daemon(options).run()


def _paths(root: Path | None, *, privileged: bool) -> Paths:
    if root:
        return Paths.system(root.absolute())
    return Paths.system() if privileged else Paths.session()


def _config_file(given: Path | None, paths: Paths) -> Path:
    if given and not given.is_file():
        raise VirtError(Code.SYSTEM_ERROR, f"no such configuration file: {given}", source=From.CONF)
    return given or paths.etc / "libvirtd.conf"


def _pid_file(paths: Paths, *, privileged: bool) -> Path:
    """Where libvirtd has its own, so that the two keep each other away."""
    return (paths.run.parent if privileged else paths.run) / "libvirtd.pid"


def _loop_factory(settings: Settings) -> Callable[[], asyncio.AbstractEventLoop] | None:
    if not settings.uvloop:
        return None
    try:
        import uvloop  # only where it is wanted
    except ImportError:
        return None
    return uvloop.new_event_loop


if __name__ == "__main__":
    sys.exit(main())
