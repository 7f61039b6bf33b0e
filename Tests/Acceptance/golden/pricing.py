"""What calls of models cost, by the package genai-prices."""

from datetime import UTC, datetime
from decimal import Decimal

from genai_prices import Usage, calc_price

SECOND = 1_000_000_000


# A call of so many tokens is shorter than any tier by length.
SHORT = 1000


def price(model, provider, start, tokens, is_one_call=True):
    """Dollars, None for a model that nobody knows. What is a sum over calls costs what short ones do, by the token."""
    if model is None:
        return None
    counts = [tokens.get(name) for name in ("input", "output", "cache_read", "cache_write")]
    if is_one_call:
        return price_of_call(model, provider, start, counts)
    calls = [[SHORT, 0, 0, 0], [0, SHORT, 0, 0], [SHORT, 0, SHORT, 0], [SHORT, 0, 0, SHORT]]
    prices = [price_of_call(model, provider, start, call) for call in calls]
    input, output, read, written = (count or 0 for count in counts)
    if None in prices:
        return None
    return sum(map(Decimal.__mul__, prices, map(Decimal, (input - read - written, output, read, written)))) / SHORT


def price_of_call(model, provider, start, counts):
    usage = Usage(
        input_tokens=counts[0], output_tokens=counts[1], cache_read_tokens=counts[2], cache_write_tokens=counts[3]
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
