"""The evaluator and the server decide the same: random policies, asked of both."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

import pytest

from tests.support.raw import Raw
from tests.support.servers import Server
from vaultconf import acl
from vaultconf.policy import dialect_for, parse

WORDS = ("create", "read", "update", "delete", "list", "sudo", "patch")
SEGMENTS = ("a", "b", "ab", "+", "a+", "")


def random_policies(dice: random.Random) -> list[str]:
    return ["\n".join(["# random", *blocks(dice)]) for _ in range(dice.randint(1, 3))]


def blocks(dice: random.Random) -> Iterator[str]:
    for _ in range(dice.randint(1, 6)):
        path = "/".join(dice.choice(SEGMENTS) for _ in range(dice.randint(1, 4))) + dice.choice(("", "", "*", "/*"))
        words = ["deny"] if dice.random() < 0.2 else dice.sample(WORDS, dice.randint(0, 4))
        if "+*" not in path:
            yield f"path {json.dumps(path)} {{ capabilities = {json.dumps(words)} }}"


def random_paths(dice: random.Random) -> list[str]:
    made = ("/".join(dice.choice(("a", "b", "ab", "c")) for _ in range(dice.randint(1, 4))) for _ in range(40))
    return sorted({path + dice.choice(("", "", "/")) for path in made})


def test_random_policies_grant_what_the_server_says(server: Server, raw: Raw, unique: str) -> None:
    product, version = server.product, server.version
    wrong, asked = [], 0
    for seed in range(25):
        dice = random.Random(seed)
        texts = random_policies(dice)
        token = token_with(raw, unique, texts)
        paths = random_paths(dice)
        ours = acl.build([parse(text, dialect_for(product, version)) for text in texts], product, version)

        answer = raw.write("sys/capabilities", {"token": token, "paths": paths})["data"]

        for path in paths:
            asked += 1
            if set(answer[path]) != ours.capabilities(path):
                wrong.append((texts, path, answer[path], sorted(ours.capabilities(path))))
    assert asked > 500
    assert wrong == []


def token_with(raw: Raw, unique: str, texts: list[str]) -> str:
    names = [f"{unique}-{number}" for number in range(len(texts))]
    for name, text in zip(names, texts, strict=True):
        raw.write(f"sys/policies/acl/{name}", {"policy": text})
    answer = raw.write("auth/token/create", {"policies": names, "no_default_policy": True})
    return str(answer["auth"]["client_token"])


def test_a_policy_reaches_into_a_child_namespace_by_its_name(server: Server, raw: Raw, unique: str) -> None:
    if not (server.product == "openbao" or server.enterprise):
        pytest.skip("community Vault has no namespaces")
    raw.write(f"sys/namespaces/{unique}")
    text = f'path "{unique}/sys/policies/acl/*" {{ capabilities = ["read"] }}'
    token = token_with(raw, unique, [text])
    ours = acl.build([parse(text)], server.product, server.version)

    inside, _ = server.raw(token, unique).request("GET", "sys/policies/acl/default")
    outside, _ = server.raw(token).request("GET", "sys/policies/acl/default")

    assert (inside, outside) == (200, 403)
    assert ours.allows("sys/policies/acl/default", "read", namespace=unique).allowed
    assert not ours.allows("sys/policies/acl/default", "read").allowed
