"""Settings: defaults, then the file, then the flags; nothing unknown, nothing out of range."""

from dataclasses import fields
from pathlib import Path

import pytest

from bitexte import Config, ConfigError
from bitexte.config import load


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_without_file_or_flags_the_defaults_hold() -> None:
    assert load() == Config()


def test_the_file_of_the_working_folder_is_read_and_flags_win_over_it() -> None:
    Path("bitexte.toml").write_text('beam_size = 2\nformats = ["tmx"]\nmin_french = 1\n', "utf-8")
    loaded = load(flags={"beam_size": 6, "out": None})
    assert (loaded.beam_size, loaded.formats, loaded.min_french) == (6, ("tmx",), 1.0)
    assert loaded.out == Config().out


def test_an_unknown_key_names_the_nearest_known_one() -> None:
    Path("bitexte.toml").write_text("beam_sise = 2\n", "utf-8")
    with pytest.raises(ConfigError, match="unknown setting 'beam_sise'") as caught:
        load()
    assert caught.value.hint == "did you mean 'beam_size'?"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('beam_size = "four"', "beam_size is 'four', not a int"),
        ("beam_size = true", "beam_size is True, not a int"),
        ("beam_size = 0", "beam_size is 0, outside 1 to 64"),
        ("min_french = 1.5", "min_french is 1.5, outside 0 to 1"),
        ("formats = [1]", "formats is"),
        ('device = "cdua"', "unknown device 'cdua'"),
        ('compute = "int9"', "unknown compute 'int9'"),
        ('source_lang = "fr_BE"', "source_lang is 'fr_BE', no language tag"),
        ('target_lang = ""', "target_lang is '', no language tag"),
        ("beam_size", "bitexte.toml:"),
    ],
)
def test_a_wrong_value_is_named(line: str, message: str) -> None:
    Path("bitexte.toml").write_text(line + "\n", "utf-8")
    with pytest.raises(ConfigError) as caught:
        load()
    assert message in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("tag", ["fr-BE", "FR", "zh-Hant-TW", "es-419", "de-CH-1996", "de-x-news"])
def test_language_tags_may_be_long(tag: str) -> None:
    assert Config(source_lang=tag).source_lang == tag


def test_a_tilde_in_the_file_is_the_users_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    text = 'out = "~/corpus"\nstore = "done.sqlite"\ncache = "~nobody-of-that-name/x"\n'
    Path("bitexte.toml").write_text(text, "utf-8")
    loaded = load()
    assert (loaded.out, loaded.store) == ("/home/me/corpus", "done.sqlite")
    assert loaded.cache == "~nobody-of-that-name/x"


def test_a_missing_settings_file_is_an_error_only_if_it_was_named() -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml"):
        load(Path("nowhere.toml"))


def test_every_setting_is_explained() -> None:
    assert Config.__doc__ is not None
    for field in fields(Config):
        assert f"{field.name}:" in Config.__doc__ or f"{field.name}," in Config.__doc__
