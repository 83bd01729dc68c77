"""What is taken out of a folder that anybody could write to, and what the store knows of it."""

import base64
import hashlib
import os
from pathlib import Path

from orket_pipelines.store import Store
from orket_pipelines.verification import Artifact, Case, CaseOutcome, artifacts_folder, screenshot_uri
from orket_pipelines.verification.artifacts import COUNT_LIMIT, PNG, take_artifacts
from orket_pipelines.verification.fake import PICTURE
from orket_pipelines.verification.records import artifacts_of, store_artifacts, write_cases

DIGEST = hashlib.sha256(PICTURE).hexdigest()


def source(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def names(artifacts: tuple[Artifact, ...]) -> list[str]:
    return [artifact.name for artifact in artifacts]


def test_known_files_are_taken_with_their_digest(tmp_path: Path) -> None:
    out = source(tmp_path)
    (out / "page.png").write_bytes(PICTURE)
    (out / "junit.xml").write_bytes(b"<?xml version='1.0'?><testsuite/>")
    (out / "page-trace.zip").write_bytes(b"PK\x03\x04 and so on")
    (out / "page.webm").write_bytes(b"\x1a\x45\xdf\xa3 and so on")

    folder = artifacts_folder(tmp_path, "default", "card", "run")
    taken = take_artifacts(out, folder)
    assert [(artifact.name, artifact.media_type) for artifact in taken] == [
        ("junit.xml", "application/xml"),
        ("page.png", "image/png"),
        ("page.webm", "video/webm"),
        ("page-trace.zip", "application/zip"),
    ]
    assert taken[1] == Artifact(
        "page.png",
        "image/png",
        tmp_path / f"artifacts/default/card/run/{DIGEST}.png",
        len(PICTURE),
        DIGEST,
    )
    assert taken[1].path.read_bytes() == PICTURE


def test_what_is_no_plain_file_of_a_known_kind_stays_where_it_is(tmp_path: Path) -> None:
    out = source(tmp_path)
    secret = tmp_path / "secret.png"
    secret.write_bytes(PICTURE)
    (out / "link.png").symlink_to(secret)
    os.mkfifo(out / "pipe.png")
    (out / "folder.png").mkdir()
    (out / "page.html").write_bytes(PICTURE)
    (out / ".hidden.png").write_bytes(PICTURE)
    (out / "a b.png").write_bytes(PICTURE)
    (out / "a\n.png").write_bytes(PICTURE)
    (out / ("a" * 101 + ".png")).write_bytes(PICTURE)
    (out / "script.png").write_bytes(b"<script>alert(1)</script>")
    (out / "header.png").write_bytes(PNG)
    (out / "huge.png").write_bytes(PICTURE[:16] + b"\xff\xff\xff\xff" + PICTURE[20:])
    with (out / "large.png").open("wb") as file:
        file.write(PICTURE)
        file.truncate(10_000_000)

    assert take_artifacts(out, tmp_path / "kept") == ()
    assert not (tmp_path / "kept").exists()
    assert take_artifacts(tmp_path / "gone", tmp_path / "kept") == ()


def test_the_number_and_the_sum_of_what_is_taken_are_bounded(tmp_path: Path) -> None:
    out = source(tmp_path)
    for number in range(COUNT_LIMIT + 20):
        (out / f"{number:03}.png").write_bytes(PICTURE)
    (out / "junit.xml").write_bytes(b"<?xml version='1.0'?><testsuite/>")
    assert names(take_artifacts(out, tmp_path / "kept"))[0] == "junit.xml"
    assert len(take_artifacts(out, tmp_path / "kept")) == COUNT_LIMIT

    for path in out.iterdir():
        path.unlink()
    for number in range(5):
        with (out / f"{number}.webm").open("wb") as file:
            file.write(b"\x1a\x45\xdf\xa3")
            file.truncate(19_000_000)
    assert names(take_artifacts(out, tmp_path / "kept")) == ["0.webm", "1.webm", "2.webm"]


def test_a_screenshot_becomes_a_data_uri_where_it_is_small_enough(tmp_path: Path) -> None:
    out = source(tmp_path)
    (out / "page.png").write_bytes(PICTURE)
    (out / "junit.xml").write_bytes(b"<?xml version='1.0'?><testsuite/>")
    report, picture = take_artifacts(out, tmp_path / "kept")

    assert screenshot_uri(picture) == "data:image/png;base64," + base64.b64encode(PICTURE).decode()
    assert screenshot_uri(picture, limit=50) is None
    assert screenshot_uri(report) is None
    picture.path.unlink()
    assert screenshot_uri(picture) is None
    picture.path.symlink_to(out / "page.png")
    assert screenshot_uri(picture) is None


def test_a_picture_that_was_changed_since_is_shown_no_more(tmp_path: Path) -> None:
    [picture] = take_artifacts(_with_picture(tmp_path), tmp_path / "kept")
    assert screenshot_uri(picture) is not None
    picture.path.write_bytes(PICTURE + b"more")
    assert screenshot_uri(picture) is None


def _with_picture(folder: Path) -> Path:
    out = source(folder)
    (out / "page.png").write_bytes(PICTURE)
    return out


def test_the_store_knows_what_a_run_left(store: Store, tmp_path: Path) -> None:
    out = source(tmp_path)
    (out / "page.png").write_bytes(PICTURE)
    taken = take_artifacts(out, artifacts_folder(tmp_path, "default", "card", "run"))
    with store.write() as tx:
        told = store_artifacts(tx, home=tmp_path, run_id="run", card_id="card", artifacts=taken)
    with store.read() as tx:
        assert artifacts_of(tx, "run", home=tmp_path) == list(taken)
        assert artifacts_of(tx, "other", home=tmp_path) == []
    assert told == [
        {
            "name": "page.png",
            "media_type": "image/png",
            "path": f"artifacts/default/card/run/{DIGEST}.png",
            "size": len(PICTURE),
            "sha256": DIGEST,
        }
    ]


def test_cases_are_kept_as_plain_data() -> None:
    assert write_cases([Case("a", CaseOutcome.FAILED, 0.12345, "no")]) == [
        {"name": "a", "outcome": "failed", "seconds": 0.123, "message": "no"}
    ]
