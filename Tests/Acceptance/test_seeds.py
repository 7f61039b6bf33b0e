"""seeds/README.md says which test proves which statement: those tests exist."""

import re

from support.collector import REPOSITORY

SEEDS = REPOSITORY / "seeds/README.md"


def statements():
    return re.findall(r"^(\d+)\. (.+) — (.+)$", SEEDS.read_text(), re.MULTILINE)


def test_statements_are_numbered_and_each_is_proved_or_open():
    lines = [line for line in SEEDS.read_text().splitlines() if re.match(r"\d", line)]
    assert [int(number) for number, _, _ in statements()] == list(range(1, len(lines) + 1))
    link = r"\[\w+\]\([^)]+\)"
    for number, _, proof in statements():
        assert re.fullmatch(f"open|{link}(, {link})*", proof), f"{number}: {proof}"


def test_every_test_that_is_named_exists():
    for number, _, proof in statements():
        for name, path in re.findall(r"\[(\w+)\]\(([^)]+)\)", proof):
            source = (SEEDS.parent / path).resolve().read_text()
            assert re.search(rf"^def {name}\(", source, re.MULTILINE), f"{number}: no {name} in {path}"
