"""What an answer costs, from the settings or from the price list that the package carries; nothing is downloaded."""

from genai_prices import calc_price
from pydantic_ai.usage import RequestUsage

from orket_pipelines.agents.models.catalog import server_of, setting_of
from orket_pipelines.agents.models.model import Price
from orket_pipelines.errors import SettingsError
from orket_pipelines.settings import Settings

MILLION = 1_000_000


def free(usage: RequestUsage) -> float:
    """The price of what no language model answered."""
    del usage
    return 0.0


def price_of(settings: Settings, name: str) -> Price:
    """The price of the model of this name: the settings' where they say one, otherwise the list's for its server.

    Raises: SettingsError where only one of the two prices is set, since half a price would be told as the whole.
    """
    server = server_of(settings, name)
    inward, outward = server.input_price, server.output_price
    if inward is None and outward is None:
        return _listed(server.model or name, server.base_url)
    if inward is None or outward is None:
        both = " and ".join(setting_of(settings, name, field) for field in ("input_price", "output_price"))
        raise SettingsError(
            f"the model {name!r} has a price for what it reads and one for what it writes, and only one of them is set",
            next_step=f"Set both {both} (0 is a price), or neither.",
        )
    return lambda usage: (usage.input_tokens * inward + usage.output_tokens * outward) / MILLION


def listed_price(model: str, base_url: str) -> tuple[float, float] | None:
    """USD for a million tokens in and a million out, as the list has it; None where it has none."""
    price = _listed(model, base_url)
    inward, outward = price(RequestUsage(input_tokens=MILLION)), price(RequestUsage(output_tokens=MILLION))
    return None if inward is None or outward is None else (inward, outward)


def _listed(model: str, base_url: str) -> Price:
    def price(usage: RequestUsage) -> float | None:
        try:
            return float(calc_price(usage, model, provider_api_url=base_url).total_price)
        except LookupError:
            return None

    return price
