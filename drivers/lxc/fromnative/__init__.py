# SPDX-License-Identifier: LGPL-2.1-or-later
"""Definitions from the configuration files of the lxc tools (`lxc-tools`), of their versions up to 2 and from 3 on."""

from __future__ import annotations

from uuid import uuid4

from conf.binding.scalars import UINT_MAX
from conf.domain import Domain
from conf.domain.arches import WORDSIZES
from conf.domain.clock import Clock
from conf.domain.cputune import Vcpu
from conf.domain.devices.all import Devices
from conf.domain.devices.chardev import Console, ConsoleTarget
from conf.domain.features import Capabilities, Features, State
from conf.domain.idmap import IDMap, IDMapEntry
from conf.domain.os import OS, OSType
from drivers.lxc.emulators import EMULATOR, OS_TYPE, choose_architecture
from drivers.lxc.fromnative import network, resources
from drivers.lxc.fromnative.configfile import ConfigFile
from drivers.lxc.fromnative.mounts import filesystems
from drivers.lxc.fromnative.numbers import count, integer, internal
from virtd.errors import Code, From, VirtError

#: What a container gets of which the file says nothing: KiB, and its first program.
_MEMORY = 64 * 1024
_INIT = "/sbin/init"
#: The tools' names of architectures that libvirt calls otherwise.
_ARCHES = {"x86": "i686", "amd64": "x86_64"}
_IDMAP_FIELDS = 4


def parse(text: str) -> Domain:
    """The definition that a configuration file stands for.

    Raises:
        VirtError: CONF_SYNTAX, not such a file; others: something in it that cannot be translated.
    """
    config = ConfigFile(text)
    domain = Domain(
        type="lxc",
        name=_name(config),
        uuid=str(uuid4()),
        memory=_MEMORY,
        current_memory=_MEMORY,
        vcpu=Vcpu(count=1),
        os=OS(type=OSType(type=OS_TYPE, arch=_arch(config)), init=_INIT),
        clock=Clock(),
        devices=Devices(emulator=EMULATOR, filesystems=filesystems(config), consoles=_consoles(config)),
    )
    told = network.translate(config, domain)
    domain.features = Features(privnet=not told, capabilities=_capabilities(config))
    domain.idmap = _idmap(config)
    resources.translate(config, domain)
    _check(domain)
    return domain


def _name(config: ConfigFile) -> str:
    name = config.first("lxc.uts.name", "lxc.utsname")
    if name is None:
        raise internal("Missing lxc.utsname configuration")
    return name


def _arch(config: ConfigFile) -> str | None:
    """The architecture, where it is named and known."""
    name = config.first("lxc.arch") or ""
    name = _ARCHES.get(name, name)
    return name if name in WORDSIZES else None


def _consoles(config: ConfigFile) -> list[Console]:
    terminals = config.first("lxc.tty.max", "lxc.tty")
    number = count(terminals) if terminals is not None else 0
    if number > _MOST_CONSOLES:
        raise internal(f"too many terminals: '{terminals}'")
    return [Console(type="pty", target=ConsoleTarget(type="lxc", port=port)) for port in range(number)]


#: More than a container can use; keeps the answer to a small file small.
_MOST_CONSOLES = 1024


def _capabilities(config: ConfigFile) -> Capabilities:
    """Everything is allowed but what is dropped."""
    found = Capabilities(policy="allow")
    for name in (config.first("lxc.cap.drop") or "").split(" "):
        if name != "policy" and name in Capabilities.model_fields:
            setattr(found, name, State(state=False))
    return found


def _idmap(config: ConfigFile) -> IDMap | None:
    found: dict[str, list[IDMapEntry]] = {"u": [], "g": []}
    for name, value in config.settings:
        if name in ("lxc.idmap", "lxc.id_map"):
            words = value.split()
            if len(words) < _IDMAP_FIELDS or words[0] not in found:
                raise internal(f"invalid {name}: '{value}'")
            target, start, number = (integer(w, f"invalid {name}: '{value}'", most=UINT_MAX) for w in words[1:4])
            found[words[0]].append(IDMapEntry(start=start, target=target, count=number))
    return IDMap(uids=found["u"], gids=found["g"]) if any(found.values()) else None


def _check(domain: Domain) -> None:
    """What holds for definitions of any origin.

    Raises:
        VirtError: it does not.
    """
    if domain.os.arch is not None:
        choose_architecture(domain)
    if "/" in domain.name:
        raise VirtError(Code.XML_ERROR, f"name {domain.name} cannot contain '/'", source=From.DOMAIN)
    if not domain.memory:
        text = "Memory size must be specified via <memory> or in the <numa> configuration"
        raise VirtError(Code.XML_ERROR, text, source=From.DOMAIN)
