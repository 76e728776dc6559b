"""Issue 5: the backtest of the version that really ran gives what happened, by the job's route of a running dev."""

import json

from tests.support.dev_process import eventually
from tests.support.headrace import fresh, step


def backtest(headrace, **body):
    answer = headrace.call(
        "POST", "/api/v1/jobs/backtest", json=body, headers={"accept": "application/json"}, expect=200
    )
    assert answer["facts"] > 0
    return answer


def test_what_ran_is_what_would_have_run_and_another_version_is_not(hasty):
    asked = fresh("asked")
    reply = {"field": "last_sms_reply", "operator": "exists"}
    document = {
        "name": fresh("backtested"),
        "trigger": {"type": "event", "config": {"name": asked}},
        "steps": [
            step("hi", "send_sms", body="Hi {{first_name}}"),
            step("day", "delay", duration=1, unit="days"),
            step("replied", "condition", branches={"true": "tag", "false": "mail"}, **reply),
            step("mail", "send_email", subject="Hi", body="Hi", next="end"),
            step("tag", "add_tag", tag="replied"),
        ],
    }
    workflow = hasty.publish(document)
    contacts = [hasty.contact() for _ in range(6)]
    for number, contact_id in enumerate(contacts):
        hasty.send(contact_id, asked, {})
        if number % 2:
            hasty.send(contact_id, "contact.sms_received", {"body": "yes"})
    eventually(
        lambda: [one["status"] for one in hasty.enrollments(workflow)] == ["completed"] * len(contacts),
        "all enrollments to be completed",
    )

    live = {"workflow": workflow["id"]}
    same = backtest(hasty, new=live, old={"actual": True}, fail_if=["changed>0"])
    shorter = document | {"steps": [*document["steps"][:1], step("day", "exit"), *document["steps"][2:]]}
    other = backtest(
        hasty, new={"text": json.dumps(shorter), "filename": "shorter.json"}, old=live, workflow=workflow["id"]
    )

    assert same["difference"]["changes"]["same"] == len(contacts)
    assert same["new"]["measures"] == same["old"]["measures"]
    assert [limit["broken"] for limit in same["limits"]] == [False]
    assert other["difference"]["changes"]["path"] == len(contacts)
    assert (other["new"]["measures"]["exited"], other["new"]["measures"]["email"]) == (len(contacts), 0)
