"""One node runs an older release than the other: it stops where it does not know what to do, says so, and catches up once updated."""

from appliance.records.person import Role
from tests.live.pair.lab import Laboratory
from tests.live.pair.machine import OWNER
from tests.live.pair.test_pair_lone_node import reason_is, row

UNKNOWN = "KeyIssued"
"""The event that the older release does not have."""

OLDER = (
    "-c",
    f"""
import sys
from appliance.records import events
events.KINDS = tuple(kind for kind in events.KINDS if kind.__name__ != "{UNKNOWN}")
from appliance.cli.main import main
sys.exit(main())
""",
)


def test_an_older_standby_stops_loudly_at_what_it_does_not_know_and_the_leader_goes_on_alone(lab: Laboratory) -> None:
    leader = lab.start_pair()
    older = lab.other(leader)
    older.kill()
    older.program, older.supervised = OLDER, False
    older.start()
    assert lab.wait_in_step() is leader
    lab.post.write(3)
    lab.wait_for_replies(3, 20)
    leader.ask("issue_key", 10, actor=OWNER, name="reports", role=int(Role.VIEWER))
    lab.wait_until(lambda: row(older, "copying")["code"] == "unknown_operation", 20, "halted")
    told = row(older, "copying")
    assert "knows more than this one" in told["reason"]
    assert "Update this node" in told["remedy"]
    lab.wait_until(lambda: "halted" in older.ask("pair")["me"]["because"], 20, "called sick")
    assert '"operation_unknown"' in older.log(1_000_000)
    end = older.status()["position"]
    lab.wait_until(lambda: leader.status()["mode"] == "solo", 20, "alone")
    lab.wait_until(lambda: leader.status()["witness"]["in_sync"] is False, 20, "by the witness's word")
    lab.post.write(5)
    lab.wait_for_replies(8, 20)
    assert (older.status()["position"], sum(older.counts().values())) == (end, 3), "it goes on answering those who look"
    lab.wait_until(lambda: "halted" in leader.ask("pair")["peer"]["because"], 20, "seen from the leader")
    leader.kill()
    reason_is(older, "not_in_sync", may_send=False)
    leader.start()
    reason_is(leader, "peer_catches_up", may_send=True)
    older.stop()
    older.program, older.supervised = ("-m", "appliance"), True
    older.start()
    leader_now = lab.wait_in_step()
    lab.post.write(2)
    lab.assert_nothing_lost_or_doubled(leader_now)
    lab.wait_in_step()
    for machine in lab.both:
        assert machine.ask("verify", 30.0)["ok"]
        assert row(machine, "copying")["connected"]
