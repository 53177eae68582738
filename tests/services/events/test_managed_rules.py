"""The rules of archives, and quotas of buses.

Source: EventBridge User Guide, "Archiving events" and "Amazon EventBridge quotas"; EventBridge API Reference, DeleteRule
(ManagedRuleException).
"""

import pytest
from tests.services.events.conftest import Bench, arn

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.base.json import loads
from interstate.core.events.limits import rules_per_bus_max
from interstate.store.records.due import SETTINGS, Setting

BUS = arn("events", "event-bus/default")
NAME = "Events-Archive-a"
WILDCARD = '{"source": [{"wildcard": "shop.*"}]}'


def archive(bench: Bench, **members: str) -> None:
    bench("CreateArchive", ArchiveName="a", EventSourceArn=BUS, **members)


def test_an_archive_shows_a_rule_on_its_bus(bench: Bench) -> None:
    archive(bench, EventPattern='{"source":["shop"]}')
    rule = bench("DescribeRule", Name=NAME)
    assert loads(rule["EventPattern"]) == {"source": ["shop"], "replay-name": [{"exists": False}]}
    assert (rule["ManagedBy"], rule["State"], rule["Arn"]) == (
        "prod.vhs.events.aws.internal",
        "ENABLED",
        arn("events", f"rule/{NAME}"),
    )
    [target] = bench("ListTargetsByRule", Rule=NAME)["Targets"]
    assert target["Id"] == NAME
    assert target["Arn"] == "arn:aws:events:us-east-1:::"


def test_rules_of_archives_are_listed_among_the_others(bench: Bench) -> None:
    bench.rule("A")
    bench.rule("Z")
    archive(bench)
    assert [rule["Name"] for rule in bench("ListRules")["Rules"]] == ["A", NAME, "Z"]
    names, request = [], {"Limit": 1}
    while True:
        page = bench("ListRules", **request)
        names += [rule["Name"] for rule in page["Rules"]]
        if "NextToken" not in page:
            break
        request["NextToken"] = page["NextToken"]
    assert names == ["A", NAME, "Z"]
    assert [rule["Name"] for rule in bench("ListRules", NamePrefix="Events-")["Rules"]] == [NAME]
    assert [rule["Name"] for rule in bench("ListRules", NamePrefix="Z")["Rules"]] == ["Z"]
    bench("DeleteArchive", ArchiveName="a")
    assert [rule["Name"] for rule in bench("ListRules")["Rules"]] == ["A", "Z"]


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("PutRule", {"Name": NAME, "EventPattern": WILDCARD}),
        ("DeleteRule", {"Name": NAME, "Force": True}),
        ("DisableRule", {"Name": NAME}),
        ("EnableRule", {"Name": NAME}),
        ("PutTargets", {"Rule": NAME, "Targets": [{"Id": "q", "Arn": arn("sqs", "q")}]}),
        ("RemoveTargets", {"Rule": NAME, "Ids": [NAME]}),
    ],
)
def test_nobody_else_changes_an_archives_rule(bench: Bench, operation: str, request_: dict[str, object]) -> None:
    archive(bench)
    assert bench.error(operation, **request_) == (
        "ManagedRuleException",
        f"{NAME} is a managed rule. Set 'force' parameter to true to override.",
    )


def test_a_rule_may_bear_such_a_name_where_there_is_no_archive(bench: Bench) -> None:
    bench.rule(NAME, bench.queue("q"))
    bench.put()
    assert len(bench.events("q")) == 1


def test_thirty_rules_of_a_bus_may_have_wildcards(bench: Bench) -> None:
    for number in range(30):
        bench.rule(f"w{number}", pattern=WILDCARD)
    assert bench.error("PutRule", Name="w30", EventPattern=WILDCARD) == (
        "LimitExceededException",
        "The requested resource exceeds the maximum number allowed.",
    )
    bench.rule("w0", pattern=WILDCARD)  # It has one already.
    bench.rule("plain")
    assert bench.error("PutRule", Name="plain", EventPattern=WILDCARD)[0] == "LimitExceededException"


@pytest.mark.parametrize(("region", "most"), [("us-east-1", 300), ("af-south-1", 100), ("eu-south-1", 100)])
def test_some_regions_have_fewer_rules(region: str, most: int) -> None:
    assert rules_per_bus_max(region) == most


def set_quota(bench: Bench, setting: Setting) -> None:
    bench.world.run(lambda work: work.put(SETTINGS, setting))


def test_a_setting_raises_a_quota_or_lowers_it(bench: Bench) -> None:
    settings = {"rules-per-bus": 1, "targets-per-rule": 1, "buses": 0}
    for name, value in settings.items():
        set_quota(bench, Setting(f"quota.events.{name}", str(value)))
    bench.rule("one", bench.queue("q"))
    targets = [{"Id": "second", "Arn": arn("sqs", "q")}]
    assert bench.error("PutTargets", Rule="one", Targets=targets)[0] == "LimitExceededException"
    assert bench.error("CreateEventBus", Name="b")[0] == "LimitExceededException"
    with pytest.raises(ServiceError):
        bench.world.call("events", "PutRule", {"Name": "two", "EventPattern": '{"a":[1]}'})
    elsewhere = Caller(region="eu-west-1")
    bench.world.call("events", "PutRule", {"Name": "two", "EventPattern": '{"a":[1]}'}, caller=elsewhere)
