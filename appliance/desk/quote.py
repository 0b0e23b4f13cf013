"""The quote builder: lines from the price list, discounts, value added tax and totals, in exact decimals.

Rounding happens where a customer can follow it: each line to whole cents after its discount, the discount on all of it once, the
tax once for each rate on what that rate's lines come to. So the totals add up to the last cent, in whatever order the lines stand.
"""

import re
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from appliance.ground.errors import Refused
from appliance.policy.errors import PolicyError
from appliance.records.call import Price, Quote, QuoteLine, Totals, Vat
from appliance.records.language import Code

LINES_MOST = 100
PRICES_MOST = 5_000
QUANTITY_MOST = Decimal(1_000_000)
PRICE_MOST = Decimal(100_000_000)
PRICE_PLACES = 6  # a screw may cost a fraction of a cent
_CENT = Decimal("0.01")
_HUNDRED = Decimal(100)
_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?")
_GROUPED = re.compile(r"-?\d{1,3}(?:(?:,\d{3})+\.\d+|(?:\.\d{3})+,\d+)")
_THOUSAND = re.compile(r"-?[1-9]\d{0,2}[.,]\d{3}")
_SPACES = re.compile(r"[\s\u00a0\u202f']")
_CURRENCY = re.compile(r"(?:EUR|€|%|SEK|kr)", re.IGNORECASE)

#: What the columns of a price list may be called, by what they are. A name in one language: ``name_fi``, ``nimi``, ``namn``.
HEADINGS: dict[str, str] = {
    "code": "code item sku product_code koodi tuote tuotekoodi nimike artikel artikelnummer artikelnr kod",
    "name": "name description title nimi kuvaus selite namn beskrivning benämning",
    "name_fi": "name_fi nimi_fi",
    "name_sv": "name_sv namn_sv",
    "name_en": "name_en",
    "price": "price unit_price net_price hinta yksikköhinta veroton_hinta pris enhetspris nettopris a_pris",
    "unit": "unit yksikkö enhet",
    "vat": "vat vat_percent vat_rate alv alv_prosentti moms moms_procent momssats",
}


class Item(Price):
    """A price with its names by language; ``name`` is that of the list itself."""

    names: dict[Code, str] = {}


def prices(rows: Iterable[tuple[int, Mapping[str, str]]], name: str = "prices.csv") -> tuple[Item, ...]:
    """The price list out of a table's numbered rows, by the fields of ``HEADINGS``. Raises ``PolicyError``, naming the wrong row."""
    found: dict[str, Item] = {}
    for number, row in rows:
        item = _item(row, name, number)
        if item.code.casefold() in found:
            raise PolicyError(name, f"row {number}", f"there are two of '{item.code}'", "Give one of them another code.")
        found[item.code.casefold()] = item
        if len(found) > PRICES_MOST:
            raise PolicyError(name, "", f"there are more than {PRICES_MOST} prices", "Keep only what is quoted on the telephone.")
    return tuple(found.values())


def _item(row: Mapping[str, str], name: str, number: int) -> Item:
    code, plain = row.get("code", "").strip(), row.get("name", "").strip()
    names: dict[Code, str] = {one: text for one in ("fi", "sv", "en") if (text := row.get(f"name_{one}", "").strip())}
    shown = plain or next(iter(names.values()), "")
    if not code or not shown:
        raise PolicyError(name, f"row {number}", "it has no code or no name", "Fill in both, or delete the row.")
    price, vat = amount(row.get("price", "")), amount(row.get("vat", "") or "0")
    if price is None or not 0 <= price <= PRICE_MOST or _places(price) > PRICE_PLACES or _is_ambiguous(row.get("price", "")):
        told = f"'{row.get('price', '')[:40]}' is no price that is clear"
        raise PolicyError(name, f"row {number}", told, "Write it with two decimals: 1234.50 or 1 234,50.")
    if vat is None or not 0 <= vat <= _HUNDRED:
        raise PolicyError(name, f"row {number}", f"'{row.get('vat', '')[:40]}' is no rate of tax", "Write a percentage, such as 25.5.")
    return Item(code=code[:64], name=shown[:200], price=price, unit=row.get("unit", "").strip()[:20], vat_percent=vat, names=names)


def amount(written: str) -> Decimal | None:
    """A number as people write it (``1 234,50 €``, ``1,234.50``), exactly; None for anything else. A lone mark is a decimal mark."""
    plain = _without_thousands(_SPACES.sub("", _CURRENCY.sub("", written)))
    if not _NUMBER.fullmatch(plain):
        return None
    try:
        return Decimal(plain.replace(",", "."))
    except InvalidOperation:
        return None


def _without_thousands(plain: str) -> str:
    """Where both marks stand, the last one is the decimal mark, and the other one groups thousands."""
    if not _GROUPED.fullmatch(plain):
        return plain
    return plain.replace("." if plain.rfind(",") > plain.rfind(".") else ",", "")


def _is_ambiguous(written: str) -> bool:
    """``1,234`` is a thousand to one reader and one and a bit to another: no price is guessed at."""
    return _THOUSAND.fullmatch(_SPACES.sub("", _CURRENCY.sub("", written))) is not None


def offered(items: Iterable[Item], code: Code) -> tuple[Price, ...]:
    """The price list in one language; a thing without a name in it has the list's own."""
    return tuple(
        Price(code=item.code, name=item.names.get(code, item.name), price=item.price, unit=item.unit, vat_percent=item.vat_percent)
        for item in items
    )


# Putting a quote together


def with_line(quote: Quote, price: Price, quantity: str, discount_percent: str = "") -> Quote:
    """One more line. Refused for a quantity or a discount that cannot be, and for the line that is too many."""
    if len(quote.lines) >= LINES_MOST:
        raise Refused(f"A quote has at most {LINES_MOST} lines.", "Send what does not fit as a second quote.", code="quote_full")
    many = amount(quantity)
    if many is None or not 0 < many <= QUANTITY_MOST or _places(many) > 3:
        raise Refused(f"'{quantity[:40]}' is no quantity.", "Write a number above 0, with at most three decimals.", code="quote_quantity")
    line = QuoteLine(price=price, quantity=many, discount_percent=percent(discount_percent))
    return Quote(lines=(*quote.lines, line), discount_percent=quote.discount_percent, currency=quote.currency)


def without_line(quote: Quote, place: int) -> Quote:
    """The quote without the line in this place, from 0; as it was when there is no such line."""
    lines = tuple(line for at, line in enumerate(quote.lines) if at != place)
    return Quote(lines=lines, discount_percent=quote.discount_percent, currency=quote.currency)


def with_discount(quote: Quote, discount_percent: str) -> Quote:
    """The same lines with this discount on all of it."""
    return Quote(lines=quote.lines, discount_percent=percent(discount_percent), currency=quote.currency)


def percent(written: str) -> Decimal:
    """A discount as a person typed it; nothing is none. Refused below 0, above 100, or finer than hundredths."""
    found = amount(written) if written.strip() else Decimal(0)
    if found is None or not 0 <= found <= _HUNDRED or _places(found) > 2:
        raise Refused(f"'{written[:40]}' is no discount.", "Write a percentage from 0 to 100.", code="quote_discount")
    return found


def _places(number: Decimal) -> int:
    return len(f"{number:f}".partition(".")[2].rstrip("0"))  # ``normalize`` would round what is longer than its context


# What it comes to


def totals(quote: Quote) -> Totals:
    """Lines, discount, tax and total in whole cents."""
    lines = tuple(_cents(line.price.price * line.quantity * (_HUNDRED - line.discount_percent) / _HUNDRED) for line in quote.lines)
    subtotal = sum(lines, Decimal(0))
    discount = _cents(subtotal * quote.discount_percent / _HUNDRED)
    vats = _vats(quote, lines, subtotal, discount)
    net, vat = subtotal - discount, sum((one.amount for one in vats), Decimal(0))
    return Totals(lines=lines, subtotal=subtotal, discount=discount, net=net, vats=vats, vat=vat, total=net + vat)


def _vats(quote: Quote, lines: tuple[Decimal, ...], subtotal: Decimal, discount: Decimal) -> tuple[Vat, ...]:
    """The tax by rate, the lowest first. The discount is shared out over the rates in cents; the largest takes what is left over."""
    bases: dict[Decimal, Decimal] = {}
    for line, net in zip(quote.lines, lines, strict=True):
        rate = line.price.vat_percent.normalize()
        bases[rate] = bases.get(rate, Decimal(0)) + net
    shares = {rate: _cents(discount * base / subtotal) if subtotal else Decimal(0) for rate, base in bases.items()}
    if bases:
        largest = max(bases, key=lambda rate: (bases[rate], rate))
        shares[largest] += discount - sum(shares.values(), Decimal(0))
    found = ((rate, bases[rate] - shares[rate]) for rate in sorted(bases))
    return tuple(Vat(percent=rate, base=base, amount=_cents(base * rate / _HUNDRED)) for rate, base in found)


def _cents(number: Decimal) -> Decimal:
    return number.quantize(_CENT, ROUND_HALF_UP)
