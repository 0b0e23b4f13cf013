"""A quote in words, as it goes into a reply: numbers and money written as the customer's language writes them."""

import tomllib
from decimal import Decimal
from functools import cache

from appliance.desk.quote import totals
from appliance.ground.assets import asset
from appliance.records.call import Quote, QuoteLine
from appliance.records.language import Code

_FIXED_SPACE = "\u00a0"  # the parts of a number stay together wherever the mail is folded
_SYMBOLS = {"EUR": "€"}


def written(quote: Quote, code: Code) -> str:
    """The quote's lines and totals, one a line; "" for a quote without lines."""
    if not quote.lines:
        return ""
    words, sums, money = _words(code), totals(quote), _Money(code, quote.currency)
    rows = [words["title"]]
    rows += [_line(line, net, words, money) for line, net in zip(quote.lines, sums.lines, strict=True)]
    if sums.discount:
        rows.append(f"{words['subtotal']}: {money(sums.subtotal)}")
        rows.append(f"{words['discount'].format(percent=number(quote.discount_percent, code))}: \u2212{money(sums.discount)}")
    rows.append(f"{words['net']}: {money(sums.net)}")
    for vat in sums.vats:
        rows.append(f"{words['vat'].format(percent=number(vat.percent, code), base=money(vat.base))}: {money(vat.amount)}")
    rows.append(f"{words['total']}: {money(sums.total)}")
    return "\n".join(rows)


def _line(line: QuoteLine, net: Decimal, words: dict[str, str], money: "_Money") -> str:
    many = f"{number(line.quantity, money.code)}{_FIXED_SPACE}{line.price.unit}".rstrip(_FIXED_SPACE)
    less = f", {words['line_discount'].format(percent=number(line.discount_percent, money.code))}" if line.discount_percent else ""
    return f"- {line.price.name}, {many} × {money(line.price.price)}{less}: {money(net)}"


class _Money:
    """Writes amounts of one currency in one language, with two decimals."""

    def __init__(self, code: Code, currency: str) -> None:
        self.code = code
        self.currency = currency

    def __call__(self, amount: Decimal) -> str:
        return money(amount, self.code, self.currency)


def money(amount: Decimal, code: Code, currency: str = "EUR") -> str:
    """``1 234,50 €`` in Finnish and Swedish, ``€1,234.50`` in English. A price finer than a cent keeps what it has."""
    places = max(2, -int(amount.normalize().as_tuple().exponent))
    figure, symbol = _grouped(f"{amount:,.{places}f}", code), _SYMBOLS.get(currency, currency)
    if code == "en":
        return f"{symbol}{figure}" if symbol != currency else f"{currency}{_FIXED_SPACE}{figure}"
    return f"{figure}{_FIXED_SPACE}{symbol}"


def number(value: Decimal, code: Code) -> str:
    """A quantity or a percentage without idle zeros: ``25,5``, ``1 200``."""
    plain = value.normalize()
    return _grouped(f"{plain:,f}", code)


def _grouped(english: str, code: Code) -> str:
    return english if code == "en" else english.replace(",", _FIXED_SPACE).replace(".", ",")


@cache
def _words(code: Code) -> dict[str, str]:
    path = asset("models") / "quotes" / f"{code}.toml"
    return {key: str(text) for key, text in tomllib.loads(path.read_text(encoding="utf-8")).items()}
