"""Amounts of money."""

from decimal import Decimal

import strawberry

from resolvers.money import CurrencyCode


@strawberry.type(description="An amount of money.")
class Money:
    amount: Decimal = strawberry.field(
        description='The amount, with the currency\'s own decimals: "1200.00" in USD, "1200" in JPY.'
    )
    currency_code: CurrencyCode = strawberry.field(description="The currency.")
