"""There, absent or unknown: never one taken for the other."""

from __future__ import annotations

import json

import pytest

from tests.support.plans import BAO, kind
from vaultconf.answers import is_absent, listed, read_object, reason_of
from vaultconf.http import Answer
from vaultconf.model import Live, Unreadable


def answer(status: int, body: object = None, **more: str) -> Answer:
    return Answer(status, b"" if body is None else json.dumps(body).encode(), **more)  # type: ignore[arg-type]


def errors(*texts: str) -> dict[str, list[str]]:
    return {"errors": list(texts)}


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("approle_role", answer(404, errors())),
        ("secrets_engine", answer(400, errors("No secret engine mount at x/"))),
        ("auth_method", answer(400, errors("No auth engine at x/"))),
        ("password_policy", answer(404, errors("policy does not exist"))),
        ("github_team", answer(200, {"data": None})),
    ],
)
def test_absence_is_what_the_kind_says_it_is(name: str, found: Answer) -> None:
    assert read_object(kind(name), found, BAO) is None


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (answer(404, errors('no handler for route "x". route entry not found.')), "no handler for route"),
        (answer(404, errors("namespace not found")), "there is no such namespace"),
        (answer(404), "not the server's own 404"),
        (Answer(404, b"<html>404 Not Found</html>"), "not the server's own 404"),
        (Answer(404, b'{"errors":'), "not the server's own 404"),
        (answer(404, {"message": "no route"}), "not the server's own 404"),
        (answer(403, errors("1 error occurred:\n\t* permission denied\n\n")), "permission denied"),
        (answer(403), "permission denied"),
        (answer(400, errors("some reason")), "some reason"),
        (answer(500), "status 500"),
        (answer(503), "sealed or unavailable"),
        (answer(0, fault="no answer in time"), "no answer in time"),
        (answer(200, {"data": None}), "an empty answer"),
        (answer(200, {"data": None, "wrap_info": {"token": "t"}}), "a control group holds the answer back"),
        (Answer(200, b"<html>"), "an empty answer"),
        (answer(200, {"data": {"token_num_uses": {"a": 1}}}), "a shape that this version does not know"),
        (answer(200, {"data": {"token_ttl": "soon"}}), "a shape that this version does not know"),
        (answer(204), "an empty answer"),
    ],
)
def test_everything_else_is_unknown_with_its_reason(found: Answer, reason: str) -> None:
    judged = read_object(kind("approle_role"), found, BAO)

    assert isinstance(judged, Unreadable)
    assert reason in judged.reason


def test_an_object_is_read_into_canonical_values_with_the_names_of_what_is_not_known() -> None:
    data = {"token_ttl": "1h", "token_policies": "b,A", "token_bound_cidrs": None, "brand_new": 1, "policies": ["a"]}

    found = read_object(kind("approle_role"), answer(200, {"data": data}), BAO)

    assert isinstance(found, Live)
    assert (found.values["token_ttl"], found.values["token_policies"]) == (3600, ("a", "b"))
    assert found.values["token_bound_cidrs"] == ()
    assert found.unknown == {"brand_new"}


def test_nested_values_have_dotted_names() -> None:
    data = {"type": "kv", "config": {"max_lease_ttl": 60, "from_the_future": 1}, "accessor": "x", "uuid": "y"}

    found = read_object(kind("secrets_engine"), answer(200, {"data": data}), BAO)

    assert isinstance(found, Live)
    assert found.values["tune.max_lease_ttl"] == 60
    assert found.unknown == {"tune.from_the_future"}


@pytest.mark.parametrize(
    ("found", "names"),
    [
        (answer(200, {"data": {"keys": ["a", "b/"]}}), ["a", "b/"]),
        (answer(200, {"data": {}}), []),
        (answer(404, errors()), []),
    ],
)
def test_a_collection_is_listed(found: Answer, names: list[str]) -> None:
    assert listed(found) == names


@pytest.mark.parametrize(
    "found",
    [
        answer(404, errors("no handler for route")),
        Answer(404, b"404 page not found"),
        answer(403),
        answer(0),
        answer(200, {"data": {"keys": "a"}}),
    ],
)
def test_a_collection_that_could_not_be_listed_is_not_empty(found: Answer) -> None:
    assert isinstance(listed(found), Unreadable)


def test_reasons_are_one_line() -> None:
    assert reason_of(answer(400, errors("1 error occurred:\n\t* a\n\n", "", "b\nc"))) == "a; b c"


@pytest.mark.parametrize(
    "found",
    [
        answer(200, {"data": {"keys": ["dev"]}}),
        answer(200, {"data": None, "wrap_info": {"token": "t"}}),
        Answer(200, b"<html>"),
        answer(204),
    ],
)
def test_a_success_is_no_absence_unless_it_says_that_there_is_no_data(found: Answer) -> None:
    absent = is_absent(kind("github_team"), found)

    assert not absent
