"""Where code is reviewed and merged: pull requests, reviews, comments and labels, behind the `Forge` port."""

from orket_pipelines.forge.fake import MemoryForge
from orket_pipelines.forge.local import LocalForge
from orket_pipelines.forge.model import Attachment, Comment, PullRequest, PullRequestState, Review, Verdict
from orket_pipelines.forge.port import Forge

__all__ = [
    "Attachment",
    "Comment",
    "Forge",
    "LocalForge",
    "MemoryForge",
    "PullRequest",
    "PullRequestState",
    "Review",
    "Verdict",
]
