"""Stands for the service of a bank, which is far away."""

import asyncio

from examples.places.models import Rate

PER_EURO = {"CHF": 0.94, "EUR": 1.0, "GBP": 0.86, "JPY": 163.0, "PLN": 4.3, "USD": 1.09}


class Bank:
    """Knows the rates of some currencies."""

    async def rate(self, currency: str) -> Rate | None:
        """The rate of the moment; `None` for a currency that it does not deal in."""
        await asyncio.sleep(0)
        per_euro = PER_EURO.get(currency)
        return None if per_euro is None else Rate(currency=currency, per_euro=per_euro)
