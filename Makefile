# make setup | demo | test | lint | bench | install      (each does its own set-up; nothing is needed by hand)

# The distribution's own Python where it is new enough: built with every optimisation (define takes a fifth less time
# than with one built by default), and kept safe by its updates.
PYTHON  ?= $(shell /usr/bin/python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo /usr/bin/python3 || echo python3)
VENV    := .venv
BIN     := $(VENV)/bin
PREFIX  ?= /usr/local
DESTDIR ?=
UNITDIR ?= /etc/systemd/system
POLKITDIR ?= /usr/share/polkit-1

.PHONY: help setup demo test lint bench install clean

help:
	@echo "make demo     boot a guest with stock virsh through virtd, pivot its disk, restart the daemon under it"
	@echo "make test     the test suite        make lint   types, style, layers"
	@echo "make bench    time virtd            make install   as a systemd service below PREFIX=$(PREFIX)"

setup: $(VENV)/.ready

# Made again when the dependencies change.
$(VENV)/.ready: pyproject.toml tests/tools/packages.sh
	sh tests/tools/packages.sh
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev,systemd]'
	touch $@

demo: setup
	bash tests/demo/demo.sh

test: setup
	$(BIN)/pytest -q

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy docs/example-driver
	$(BIN)/lint-imports

bench: setup
	/usr/bin/python3 tests/bench/bench.py

# A virtual environment of its own below PREFIX/lib/virtd, the command in PREFIX/sbin, the units in UNITDIR.
install:
	sh tests/tools/packages.sh runtime
	$(PYTHON) -m venv $(DESTDIR)$(PREFIX)/lib/virtd
	$(DESTDIR)$(PREFIX)/lib/virtd/bin/pip install --quiet --disable-pip-version-check '.[systemd]'
	# What is staged says where it will be, not where it was staged.
	test -z "$(DESTDIR)" || grep -rlIF "$(DESTDIR)$(PREFIX)" "$(DESTDIR)$(PREFIX)/lib/virtd/bin" | \
	    xargs sed -i "s|$(DESTDIR)$(PREFIX)|$(PREFIX)|g"
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(UNITDIR)
	ln -sf $(PREFIX)/lib/virtd/bin/virtd $(DESTDIR)$(PREFIX)/sbin/virtd
	for unit in systemd/*.service systemd/*.socket; do \
	    sed 's|@sbindir@|$(PREFIX)/sbin|' $$unit > $(DESTDIR)$(UNITDIR)/$${unit##*/}; done
	# Another libvirt's policy is as good, and its package's to keep.
	test -e $(DESTDIR)$(POLKITDIR)/actions/org.libvirt.unix.policy || \
	    install -D -m 644 systemd/polkit/org.libvirt.unix.policy -t $(DESTDIR)$(POLKITDIR)/actions
	install -D -m 644 systemd/polkit/60-virtd.rules -t $(DESTDIR)$(POLKITDIR)/rules.d

clean:
	rm -rf $(VENV) build dist *.egg-info
