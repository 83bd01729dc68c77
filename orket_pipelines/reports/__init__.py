"""What came of a rock, told from its cards to its last bug: read from what is stored, and made into one page.

`narration.py` makes a sentence of an event, wherever events are told to people.
"""

from orket_pipelines.reports.narration import tell
from orket_pipelines.reports.page import rock_page
from orket_pipelines.reports.stories import AttemptStory, IssueStory, RockStory, story_of

__all__ = ["AttemptStory", "IssueStory", "RockStory", "rock_page", "story_of", "tell"]
