"""What calls of models cost, by the package genai-prices."""

from datetime import UTC, datetime
from decimal import Decimal

from genai_prices import Usage, calc_price

SECOND = 1_000_000_000


def price(model, provider, start, tokens):
    """Dollars, None for a model that nobody knows."""
    if model is None:
        return None
    usage = Usage(
        input_tokens=tokens.get("input"),
        output_tokens=tokens.get("output"),
        cache_read_tokens=tokens.get("cache_read"),
        cache_write_tokens=tokens.get("cache_write"),
    )
    for candidate in dict.fromkeys((provider.lower() if provider else None, None)):
        try:
            found = calc_price(
                usage, model, provider_id=candidate, genai_request_timestamp=datetime.fromtimestamp(start / SECOND, UTC)
            )
        except LookupError:
            continue
        return Decimal(found.total_price)
    return None
