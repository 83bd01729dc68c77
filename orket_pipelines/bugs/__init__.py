"""The bug-fix phase of a delivered rock: how long it goes on, what was found in it, and what becomes of the rest.

`deciding.py` says by numbers alone whether a phase goes on, is extended or ends; `phases.py` carries that out in the
store; `reports.py` tells of it. What it takes of the world (a sandbox to be looked at, kept logs) is delivery's.
"""

from orket_pipelines.bugs.deciding import End, Extend, GoOn, decide, rate_of
from orket_pipelines.bugs.model import Phase, PhaseState, Toll
from orket_pipelines.bugs.phases import abort, begin, check, close, extend, undone
from orket_pipelines.bugs.records import find_phase, get_phase, list_phases, rocks_in_phase
from orket_pipelines.bugs.reports import PhaseReport, current, report_of
from orket_pipelines.bugs.second import report_found

__all__ = [
    "End",
    "Extend",
    "GoOn",
    "Phase",
    "PhaseReport",
    "PhaseState",
    "Toll",
    "abort",
    "begin",
    "check",
    "close",
    "current",
    "decide",
    "extend",
    "find_phase",
    "get_phase",
    "list_phases",
    "rate_of",
    "report_found",
    "report_of",
    "rocks_in_phase",
    "undone",
]
