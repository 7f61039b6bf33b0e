"""What the commands print, and how they end."""

import re

import pytest

from support import config
from support.collector import Collector, free_port, run

MINIMAL = config.pipeline(4318, {"debug": ""})


@pytest.fixture
def write(tmp_path):
    def to(text, name="config.yaml"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return to


def test_version():
    result = run("--version")
    assert result.returncode == 0
    assert re.search(r"heirloom.*\d+\.\d+", result.stdout)


def test_help_names_every_command_and_option():
    result = run("--help")
    assert result.returncode == 0
    for word in ["run", "validate", "components", "print-config", "--config", "--set", "version", "help"]:
        assert word in result.stdout


@pytest.mark.parametrize("arguments", [["frobnicate"], ["--frobnicate"], ["validate", "--frobnicate"]])
def test_what_is_unknown_is_refused_with_a_hint(arguments):
    result = run(*arguments)
    assert result.returncode > 0
    assert "frobnicate" in result.stderr and "help" in result.stderr


def test_an_option_without_its_value_is_refused():
    result = run("validate", "--config")
    assert result.returncode > 0 and "--config" in result.stderr


def test_components_lists_what_there_is():
    result = run("components")
    assert result.returncode == 0
    for name in ["otlp", "enduser", "filter", "batch", "memory_limiter", "file", "otlp_http", "debug"]:
        assert re.search(rf"\b{name}\b", result.stdout), name


def test_validate_has_nothing_to_say_about_a_good_config(write):
    result = run("validate", "--config", write(MINIMAL))
    assert result.returncode == 0, result.stderr
    assert "error" not in result.stderr


def test_print_config_shows_what_was_given_but_no_secret(write):
    exporter = "endpoint: 'https://example.org', headers: {X-Api-Key: 'hunter2'}, compression: none"
    path = write(config.pipeline(4318, {"otlp_http": exporter}))
    result = run("print-config", "--config", path)
    assert result.returncode == 0, result.stderr
    for word in ["https://example.org", "X-Api-Key", "compression", "fallback_wait", "enduser"]:
        assert word.lower() in result.stdout.lower(), word
    assert "hunter2" not in result.stdout + result.stderr


def test_print_config_shows_the_sum_of_several_and_of_set(write):
    first = write(MINIMAL)
    second = write("processors: {enduser: {root_wait: 7m}}", "more.yaml")
    result = run("print-config", "--config", first, "--config", second, "--set", "processors.enduser.local_root_wait=11s")
    assert result.returncode == 0, result.stderr
    for word in ["root_wait", "7m", "local_root_wait", "11s", "fallback_wait"]:
        assert word in result.stdout


@pytest.mark.parametrize("command", [["run"], []])
def test_run_and_no_command_are_the_same(write, command, tmp_path):
    port = free_port()
    path = write(config.pipeline(port, {"debug": ""}))
    with Collector(*command, "--config", path, port=port, cwd=tmp_path) as running:
        running.stop()
