"""Every answer of the oracle is as the API's description says."""

import copy

import pytest
import requests

from description import Description
from payer import buy


@pytest.fixture(scope="module")
def description(run):
    return Description(run.api)


@pytest.mark.parametrize("path", ["/api/stats", "/api/agents/top", "/api/services", "/api/services/categories",
                                  "/api/oracle/calibration"])
def test_lists_and_figures(run, description, path):
    answer = requests.get(run.api + path, timeout=10)
    assert answer.status_code == 200
    description.check(path, answer)


def test_nodes(run, node, description):
    found = requests.get(run.api + "/api/agents/search", params={"alias": "a"}, timeout=10)
    assert description.check("/api/agents/search", found)["data"]
    description.check("/api/agent/{ident}", requests.get(f"{run.api}/api/agent/{node}", timeout=10))
    profile = f"{run.api}/api/profile/{node}"
    paid = requests.get(profile, headers={"Authorization": buy(run.info, profile)}, timeout=10)
    assert description.check("/api/profile/{ident}", paid)["data"]["agent"]["publicKeyHash"] == node
    order = {"hashes": [node, "00" * 32]}
    verdicts = run.api + "/api/verdicts"
    credential = buy(run.info, verdicts, method="POST", json=order)
    paid = requests.post(verdicts, json=order, headers={"Authorization": credential}, timeout=10)
    assert len(description.check("/api/verdicts", paid, "post")["data"]) == 2


def test_errors(run, node, description):
    def get(path, **options):
        return requests.get(run.api + path, timeout=10, **options)

    for path, answer, status in [
        ("/api/agent/{ident}", get("/api/agent/" + "0" * 64), 404),
        ("/api/agent/{ident}", get("/api/agent/x"), 400),
        ("/api/services/{url_hash}", get("/api/services/" + "0" * 64), 404),
        ("/api/probe/{id}", get("/api/probe/" + "0" * 32), 404),
        ("/api/l402/balance", get("/api/l402/balance"), 401),
        ("/api/profile/{ident}", get(f"/api/profile/{node}", headers={"Authorization": "L402 x"}), 401),
    ]:
        assert answer.status_code == status, answer.text
        description.check(path, answer)


def test_a_balance_without_a_token_asks_for_the_token_not_for_money(run):
    answer = requests.get(run.api + "/api/l402/balance", timeout=10)
    assert answer.status_code == 401
    message = answer.json()["error"]["message"]
    assert "token is needed" in message and "invoice" not in message


def test_what_can_happen_is_listed(description):
    paths = description.document["paths"]
    assert {"200", "202", "400", "401", "402", "429", "503"} <= set(paths["/api/probe"]["post"]["responses"])
    for path in ("/api/profile/{ident}", "/api/agent/{ident}"):
        assert "503" in paths[path]["get"]["responses"]


def test_an_answer_with_another_shape_is_noticed(run, description):
    """The test of the tests: a member too many and one of the wrong type are both found."""
    answer = requests.get(run.api + "/api/stats", timeout=10)
    for change in ({"more": 1}, {"totalAgents": "many"}):
        wrong = copy.copy(answer)
        body = answer.json()
        body["data"].update(change)
        wrong.json = lambda body=body: body
        with pytest.raises(AssertionError):
            description.check("/api/stats", wrong)
