"""What the settings may say of bug-fix phases."""

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt


class BugPhases(BaseModel):
    """How long a delivered rock is watched, when for longer, and how many of its bugs are worked on at once.

    Days are of 86,400 seconds.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    days: NonNegativeFloat = Field(7.0, description="Of a phase as it begins; 0: rocks have none.")
    extension_days: PositiveFloat = 7.0
    longest_days: PositiveFloat = Field(28.0, description="With all extensions.")
    rate: NonNegativeFloat = Field(5.0, description="Bugs found a day; with more at its end, a phase is extended.")
    high_bugs: NonNegativeInt = Field(3, description="Open bugs of priority 3; with more at its end, it is extended.")
    concurrency: PositiveInt = Field(2, description="Critical bugs of a rock that are worked on at once.")
