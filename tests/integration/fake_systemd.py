# SPDX-License-Identifier: LGPL-2.1-or-later
"""A systemd manager on a bus of the test's own: just enough of it for Reload=.

    fake_systemd.py ADDRESS LOG UNIT=ACTIVE_STATE...

Appends "Method unit" to LOG for each call that changes something. The end of a job is told before
the reply that names it, which the real one may do as well.
"""
import sys

import dbus
import dbus.bus
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

MANAGER = "org.freedesktop.systemd1.Manager"
UNIT = "org.freedesktop.systemd1.Unit"


class Unit(dbus.service.Object):
    def __init__(self, bus, name, state):
        self.path = "/org/freedesktop/systemd1/unit/" + "".join(
            c if c.isalnum() else "_%02x" % ord(c) for c in name)
        super().__init__(bus, self.path)
        self.state = state

    @dbus.service.method(dbus.PROPERTIES_IFACE, in_signature="s", out_signature="a{sv}")
    def GetAll(self, interface):
        assert interface == UNIT
        return {"LoadState": "not-found" if self.state == "not-found" else "loaded",
                "ActiveState": "inactive" if self.state == "not-found" else self.state,
                "CanReload": True}


class Manager(dbus.service.Object):
    def __init__(self, bus, log, states):
        super().__init__(bus, "/org/freedesktop/systemd1")
        self.bus, self.log, self.n_jobs = bus, log, 0
        self.units = {name: Unit(bus, name, state) for name, state in states.items()}

    def note(self, method, name):
        with open(self.log, "a", encoding="ascii") as f:
            f.write(f"{method} {name}\n")

    def job(self, method, name):
        self.note(method, name)
        self.n_jobs += 1
        path = f"/org/freedesktop/systemd1/job/{self.n_jobs}"
        self.JobRemoved(self.n_jobs, path, name, "failed" if "broken" in name else "done")
        return dbus.ObjectPath(path)

    @dbus.service.signal(MANAGER, signature="uoss")
    def JobRemoved(self, number, path, unit, result):
        pass

    @dbus.service.method(MANAGER)
    def Subscribe(self):
        pass

    @dbus.service.method(MANAGER, in_signature="s", out_signature="o")
    def LoadUnit(self, name):
        if name not in self.units:
            self.units[name] = Unit(self.bus, name, "not-found")
        return dbus.ObjectPath(self.units[name].path)

    @dbus.service.method(MANAGER, in_signature="s")
    def ResetFailedUnit(self, name):
        self.note("ResetFailedUnit", name)

    @dbus.service.method(MANAGER, in_signature="ss", out_signature="o")
    def StartUnit(self, name, mode):
        return self.job("StartUnit", name)

    @dbus.service.method(MANAGER, in_signature="ss", out_signature="o")
    def ReloadOrTryRestartUnit(self, name, mode):
        return self.job("ReloadOrTryRestartUnit", name)


def main():
    address, log, *units = sys.argv[1:]
    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    bus = dbus.bus.BusConnection(address)
    manager = Manager(bus, log, dict(u.split("=") for u in units))
    bus.request_name("org.freedesktop.systemd1")
    print("ready", flush=True)
    assert manager
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
