"""What ``interstate nodes`` shows."""

from interstate.cli.nodes import table


def test_each_node_has_a_line_with_its_lease_clock_and_work() -> None:
    node = {"number": 1, "name": "a 12", "address": "127.0.0.1:1", "role": "all", "alive": True}
    told = {"leaseMs": 5400, "clockSkewMs": -1.25, "effectsInFlight": 3}
    gone = {**node, **told, "number": 12, "alive": False, "role": "work"}
    assert table({"number": 1, "nodes": [{**node, **told}, gone]}) == [
        "node  host and process  address      role  lease  clock    work",
        "1*    a 12              127.0.0.1:1  all   5.4 s  -1.2 ms  3 effects in flight",
        "12    a 12              127.0.0.1:1  work  ended  -1.2 ms  3 effects in flight",
    ]
