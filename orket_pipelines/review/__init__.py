"""The review policy: how often changes may be requested, when the architect is called, when a request is rejected."""

from orket_pipelines.review.policy import Consequence, consequence, requirements_text

__all__ = ["Consequence", "consequence", "requirements_text"]
