"""One file of plain data, however hostile."""

import os
import time
from pathlib import Path

import pytest

from orket_pipelines.cards.documents import read_document
from orket_pipelines.cards.problems import UnreadableFile


def read(folder: Path, name: str, content: str | bytes) -> object:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_document(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", '{"a": [1, 2.5, true, null, "text"]}'),
        ("a.yaml", "a: [1, 2.5, true, null, text]"),
        ("a.yml", "a:\n- 1\n- 2.5\n- true\n- ~\n- text\n"),
        ("bom.json", b'\xef\xbb\xbf{"a": [1, 2.5, true, null, "text"]}'),
    ],
)
def test_plain_data_comes_back_as_it_is(tmp_path: Path, name: str, content: str | bytes) -> None:
    assert read(tmp_path, name, content) == {"a": [1, 2.5, True, None, "text"]}


def test_dates_and_the_words_yes_and_no_stay_text(tmp_path: Path) -> None:
    found = read(tmp_path, "a.yaml", "[2026-01-31, no, YES, on, off, n, true, False]")

    assert found == ["2026-01-31", "no", "YES", "on", "off", "n", True, False]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("bomb.yaml", "a: &a [x, x]\nb: &b [*a, *a]\n", "aliases (*a) are not allowed"),
        ("tag.yaml", "a: !!python/object/apply:os.system [ls]", "line 1, column 4: could not determine a constructor"),
        ("binary.yaml", "a: !!binary aGk=", "could not determine a constructor"),
        ("set.yaml", "a: !!set {x}", "could not determine a constructor"),
        ("twice.yaml", "a: 1\nb: 2\na: 3", "line 3, column 1: the key 'a' stands there twice"),
        ("twice.json", '{"a": 1, "a": 2}', "the key 'a' stands there twice"),
        ("deep.yaml", "[" * 1_000_000, "nested more than 32 levels"),
        ("lists.yaml", "- " * 500_000, "nested more than 32 levels"),
        ("deep.json", "[" * 1_000_000, "nested more than 32 levels"),
        ("valid.json", "[" * 40 + "]" * 40, "nested more than 32 levels"),
        ("key.yaml", "1: a", "the key 1 is not text"),
        ("list-key.yaml", "? [a]\n: b", "a key must be text"),
        ("two.yaml", "a: 1\n---\nb: 2", "line 2, column 1"),
        ("broken.yaml", "a: [1\nb: 2", "line 2, column 2"),
        ("broken.json", '{"a": 1,\n "b" 2}', "line 2, column 6"),
        ("bytes.json", bytes(range(256)), "is not text in UTF-8"),
        ("nul.yaml", "a: b\0", "unacceptable character"),
        ("nul.json", '{"a": "\\u0000"}', "text that cannot be stored"),
        ("nul-key.json", '{"\\u0000": 1}', "text that cannot be stored"),
        ("surrogate.json", '{"a": "\\ud800"}', "text that cannot be stored"),
        ("number.yaml", "a: " + "9" * 100_000, "is not YAML that can be used"),
        ("number.json", '{"a": ' + "9" * 100_000 + "}", "is not JSON that can be used"),
        ("hexadecimal.yaml", "a: 0x" + "f" * 100_000, "a number too large to store"),
        ("infinite.json", '{"a": 1e999}', "a number too large to store"),
        ("nan.json", '{"a": NaN}', "NaN is not a number"),
        ("nan.yaml", "a: .nan", "a number too large to store"),
        ("large.yaml", "#" * 2_000_001, "larger than 2 MB"),
    ],
)
def test_what_is_hostile_or_broken_is_refused_in_a_short_line(
    tmp_path: Path, name: str, content: str | bytes, told: str
) -> None:
    started = time.process_time()
    with pytest.raises(UnreadableFile) as refused:
        read(tmp_path, name, content)

    assert told in str(refused.value)
    assert len(str(refused.value)) < 200
    assert "\n" not in str(refused.value)
    assert time.process_time() - started < 2


def test_many_keys_cost_no_more_than_they_must(tmp_path: Path) -> None:
    keys = ",".join(f'"k{number}":1' for number in range(100_000))
    started = time.process_time()

    with pytest.raises(UnreadableFile, match="'k7' stands there twice"):
        read(tmp_path, "a.json", f'{{{keys},"k7":2}}')
    assert time.process_time() - started < 2


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")

    with pytest.raises(UnreadableFile, match="no such file"):
        read_document(tmp_path / "pipe.yaml")
