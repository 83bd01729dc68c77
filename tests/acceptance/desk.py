"""A folder to type commands in, and a small rock to deliver from there with processes of this machine.

Most commands are forks of a process that has imported already what they need; the rest is as if they were typed.
"""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orket_pipelines.cli import main

ORKET = (sys.executable, "-u", "-c", "from orket_pipelines.cli import main; main()")
PRELOADED = ["orket_pipelines.cli.application", "orket_pipelines.delivery.pool", "orket_pipelines.agents.session"]
TIME_LIMIT = 120
"""Seconds for one command on a busy machine."""
ROCK = """
rock:
  id: pier
  name: A pier
  params: {test_command: [python, -c, "print('1 passed')"]}
  epics:
    - name: Work
      issues:
        - {id: plank-a, name: Plank A}
        - {id: plank-b, name: Plank B, depends_on: [plank-a]}
        - {id: plank-c, name: Plank C}
"""
SCENE = """
  {card}:
    coder:
      - purpose: work
        turns:
          - calls:
              - write_file: {{path: {card}.txt, content: "plank\\n"}}
              {pause}
              - request_state: {{state: ready_for_testing, summary: It is written.}}
    integrity_guard:
      - purpose: review
        turns:
          - calls:
              - submit_review: {{verdict: approve, body: It holds.}}
"""
PAUSE = "- run_command: {command: [sleep, '2']}"
CARDS = ("plank-a", "plank-b", "plank-c")


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it said."""

    code: int
    told: str
    complained: str

    def is_refused(self, *words: str) -> None:
        """One line that holds `words`, and one with what to do."""
        assert self.code in {1, 2}, self
        said, step = self.complained.splitlines()
        assert said.startswith("orket: "), self
        assert step.startswith("next: "), self
        assert len(step) > len("next: "), self
        assert not [word for word in words if word not in self.complained + self.told], self
        assert "Traceback" not in self.complained + self.told
        assert "a fault of orket" not in self.complained


@dataclass(frozen=True)
class Desk:
    """A folder to type commands in, with a home of its own and a rock to deliver."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def orket(self, *arguments: str, **variables: str) -> Done:
        """Type a command, with further environment variables; those that are read at import have no effect."""
        said = self.folder / "stdout", self.folder / "stderr"
        given = (arguments, self.environment | variables, self.folder, *said)
        process = _forks.Process(target=_type, args=given)
        process.start()
        process.join(TIME_LIMIT)
        code = process.exitcode
        if code is None:
            process.kill()
        assert code is not None, f"{arguments} have not ended: {[path.read_text() for path in said]}"
        return Done(code, *(path.read_text() for path in said))

    def start(self, *arguments: str, **variables: str) -> "subprocess.Popen[str]":
        """The same in a process from scratch, without waiting for its end."""
        return subprocess.Popen(
            [*ORKET, *arguments],
            env=self.environment | variables,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def write(self, name: str, text: str | bytes) -> str:
        """A file in the folder; its name."""
        (self.folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return name

    def play(self, *, pause: str = "") -> None:
        """Write the rock's playbook, with a pause in each issue's work."""
        scenes = "".join(SCENE.format(card=card, pause=pause) for card in CARDS)
        (self.folder / "playbooks" / "pier").mkdir(parents=True, exist_ok=True)
        (self.folder / "playbooks" / "pier" / "playbook.yaml").write_text(f"cards:{scenes}")

    def is_delivered(self, done: Done) -> None:
        """All is done, and each issue was merged once."""
        assert done.code == 0, done
        assert "3 of 3 done" in done.told
        repository = self.home / "repositories" / "default" / "pier.git"
        log = subprocess.check_output(["git", "-C", str(repository), "log", "--format=%s", "main"], text=True)
        titles = sorted(line for line in log.splitlines() if not line.startswith("Merge"))
        assert titles == ["Plank A", "Plank B", "Plank C", "Start A pier"]


_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(PRELOADED)


def _type(arguments: Sequence[str], environment: dict[str, str], folder: Path, told: Path, complained: Path) -> None:
    """What the forked process does."""
    for stream, path in ((1, told), (2, complained)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["orket", *arguments]
    main()


def set_up(folder: Path) -> Desk:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ORKET_", "DAGSTER_"))}
    made = Desk(folder, kept | {"ORKET_ISOLATION": "process", "ORKET_HOME": "home", "ORKET_PLAYBOOKS": "playbooks"})
    made.play()
    made.write("pier.yaml", ROCK)
    return made
