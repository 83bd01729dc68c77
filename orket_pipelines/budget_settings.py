"""What the settings may say of budgets: how much may be spent on what."""

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt


class Budget(BaseModel):
    """What may be spent; None is without a limit. An answer whose price is not known costs nothing here."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    requests: PositiveInt | None = Field(None, description="Answers of a model.")
    tool_calls: PositiveInt | None = None
    tokens: PositiveInt | None = Field(None, description="In and out together.")
    cost: PositiveFloat | None = Field(None, description="USD.")
    seconds: PositiveFloat | None = Field(None, description="Of models and tools at work.")


class Budgets(BaseModel):
    """What may be spent on one issue, on one rock with all its issues, and by everybody in one day, UTC."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issue: Budget = Budget()
    rock: Budget = Budget()
    day: Budget = Budget()
