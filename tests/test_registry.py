"""Tables of plug-ins."""

import pytest

from bitexte import ConfigError
from bitexte.engines import ENGINES
from bitexte.exporters import EXPORTERS
from bitexte.readers import READERS
from bitexte.registry import Registry

TABLES: list[Registry] = [ENGINES, EXPORTERS, READERS]  # type: ignore[type-arg]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.kind)
def test_every_name_has_code_behind_it(table: Registry) -> None:  # type: ignore[type-arg]
    for name in table.names():
        assert callable(table.get(name))


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(ConfigError, match="unknown export format 'tmxx'") as caught:
        EXPORTERS.get("tmxx")
    assert caught.value.hint == "did you mean 'tmx'?"


def test_a_name_like_no_other_lists_them_all() -> None:
    with pytest.raises(ConfigError) as caught:
        ENGINES.get("zzzzzz")
    assert caught.value.hint == "known: ct2, marian, identity"
