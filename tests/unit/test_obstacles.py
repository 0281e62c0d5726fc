"""What a server cannot take is said at plan time."""

from __future__ import annotations

from tests.support.plans import BAO, change, desired
from vaultconf.model import Action, Change, Plan
from vaultconf.obstacles import probes_for, with_obstacles

CATALOGUE = "sys/plugins/catalog"
CONFIG = "sys/config/state/sanitized"


def judged(*changes: Change, **probes: object) -> Plan:
    known = {path.replace("__", "/"): data for path, data in probes.items()}
    return with_obstacles(Plan(BAO, changes), known)  # type: ignore[arg-type]


def mount(action: Action, kind: str = "nomad") -> Change:
    return change(action, desired("secrets_engine", {"type": kind}, mount="m"))


def test_only_what_changes_is_probed_for() -> None:
    audit = change(Action.CREATE, desired("audit_device", {"type": "file"}, name="f"))

    assert probes_for(Plan(BAO, (mount(Action.CREATE), audit))) == sorted([CATALOGUE, CONFIG])
    assert probes_for(Plan(BAO, (mount(Action.DELETE),))) == []


def test_a_plugin_that_is_not_there_is_an_error_for_a_new_mount_and_not_for_one_that_goes() -> None:
    catalogue = {"secret": ["kv"]}

    made = judged(mount(Action.CREATE), sys__plugins__catalog=catalogue)
    gone = judged(mount(Action.DELETE), sys__plugins__catalog=catalogue)

    assert "no plugin `nomad`" in made.errors[0].message
    assert (made.errors[0].place, gone.errors) == (mount(Action.CREATE).source, ())


def test_an_audit_device_over_the_api_is_refused_where_the_server_does_not_allow_it() -> None:
    refusing = {"unsafe_allow_api_audit_creation": False}
    device = desired("audit_device", {"type": "file"}, name="f")

    made = judged(change(Action.CREATE, device), sys__config__state__sanitized=refusing)

    assert "OpenBao refuses audit devices over the API" in made.errors[0].message


def test_a_probe_that_may_not_be_read_is_a_notice() -> None:
    made = judged(mount(Action.CREATE), sys__plugins__catalog=None)

    assert made.errors == ()
    assert made.notices == (f"{CATALOGUE} cannot be read: whether this server takes the changes is not known",)
