"""The quote builder: exact to the last cent, in whatever order, in each language as it is written there."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.desk import quote
from appliance.desk.quote_text import money, number, written
from appliance.ground.assets import asset
from appliance.ground.errors import Refused
from appliance.knowledge.plain_rows import read_rows
from appliance.policy.errors import PolicyError
from appliance.records.call import Price, Quote, QuoteLine

ROW = {"code": "PX", "name": "Pump", "name_fi": "Pumppu", "price": "1 234,50 €", "vat": "25,5 %", "unit": "pcs"}
SPACE = "\u00a0"

cents = st.decimals(0, 100_000, places=2)
percents = st.decimals(0, 100, places=2)
prices = st.builds(
    Price, code=st.just("a"), name=st.just("A"), price=cents, vat_percent=st.sampled_from([Decimal(0), Decimal(10), Decimal("25.5")])
)
lines = st.builds(
    QuoteLine,
    price=prices,
    quantity=st.decimals(Decimal("0.001"), 1_000, places=3),
    discount_percent=percents,
)  # fmt: skip
quotes = st.builds(Quote, lines=st.lists(lines, max_size=12).map(tuple), discount_percent=percents)


@given(quotes)
def test_the_totals_add_up_to_the_last_cent(one: Quote) -> None:
    sums = quote.totals(one)
    assert sums.subtotal == sum(sums.lines, Decimal(0))
    assert sums.net == sums.subtotal - sums.discount == sum((vat.base for vat in sums.vats), Decimal(0))
    assert sums.total == sums.net + sums.vat == sums.net + sum((vat.amount for vat in sums.vats), Decimal(0))
    for amount in (*sums.lines, sums.discount, sums.net, sums.vat, sums.total):
        assert amount == amount.quantize(Decimal("0.01"))
        assert amount >= 0


@given(quotes, st.randoms(use_true_random=False))
def test_the_order_of_the_lines_changes_no_total(one: Quote, luck: object) -> None:
    shuffled = list(one.lines)
    luck.shuffle(shuffled)  # type: ignore[attr-defined]
    other = quote.totals(Quote(lines=tuple(shuffled), discount_percent=one.discount_percent))
    assert (other.net, other.vats, other.total) == ((mine := quote.totals(one)).net, mine.vats, mine.total)


@given(quotes, percents)
def test_a_larger_discount_never_costs_more(one: Quote, more: Decimal) -> None:
    other = Quote(lines=one.lines, discount_percent=max(more, one.discount_percent))
    assert quote.totals(other).net <= quote.totals(one).net


@given(st.decimals(-1_000_000, 1_000_000, places=2))
def test_an_amount_is_read_as_it_is_written_in_each_language(value: Decimal) -> None:
    for code in ("fi", "sv"):
        assert quote.amount(money(value, code)) == value


@pytest.mark.parametrize(
    ("typed", "value"),
    [("1 234,50 €", "1234.50"), ("1,234.50", "1234.50"), ("1.234,50", "1234.50"), ("25,5 %", "25.5"), ("0,125", "0.125"), ("12", "12")],
)
def test_numbers_are_read_as_people_type_them(typed: str, value: str) -> None:
    assert quote.amount(typed) == Decimal(value)


@pytest.mark.parametrize("typed", ["", "ten", "1,2,3", "NaN", "Infinity", "1e9", "--1", "1 2 3 4 5 x"])
def test_what_is_no_number_is_none(typed: str) -> None:
    assert quote.amount(typed) is None


def test_a_quote_is_put_together_and_written_in_the_customers_language() -> None:
    items = quote.prices([(2, ROW)])
    made = quote.with_discount(quote.with_line(Quote(), quote.offered(items, "fi")[0], "2,5", "10"), "5")
    assert written(made, "fi").replace(SPACE, " ").splitlines() == [
        "Tarjous",
        "- Pumppu, 2,5 pcs × 1 234,50 €, alennus 10 %: 2 777,63 €",
        "Välisumma ilman arvonlisäveroa: 2 777,63 €",
        "Alennus 5 %: −138,88 €",
        "Yhteensä ilman arvonlisäveroa: 2 638,75 €",
        "Arvonlisävero 25,5 % summasta 2 638,75 €: 672,88 €",
        "Yhteensä arvonlisäveroineen: 3 311,63 €",
    ]
    assert written(made, "en").splitlines()[-1] == "Total with VAT: €3,311.63"
    assert written(made, "sv").startswith("Offert\n- Pumppu") is True
    assert written(Quote(), "en") == ""
    assert written(quote.without_line(made, 0), "en") == ""
    assert (number(Decimal("1200.0"), "en"), money(Decimal("0.005"), "en")) == ("1,200", "€0.005")


@pytest.mark.parametrize("quantity", ["0", "-1", "x", "1,2345", "1000001", ""])
def test_a_quantity_that_cannot_be_is_refused(quantity: str) -> None:
    with pytest.raises(Refused) as refused:
        quote.with_line(Quote(), Price(code="a", name="A", price=Decimal(1)), quantity)
    assert refused.value.code == "quote_quantity"


@pytest.mark.parametrize("discount", ["-1", "101", "x", "5,123"])
def test_a_discount_that_cannot_be_is_refused(discount: str) -> None:
    with pytest.raises(Refused):
        quote.with_discount(Quote(), discount)


def test_a_quote_has_an_end() -> None:
    full = Quote(lines=(QuoteLine(price=Price(code="a", name="A", price=Decimal(1))),) * quote.LINES_MOST)
    with pytest.raises(Refused) as refused:
        quote.with_line(full, full.lines[0].price, "1")
    assert refused.value.code == "quote_full"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"price": "1,234"}, "row 2"),  # a thousand to one reader, one and a bit to another
        ({"price": "cheap"}, "'cheap' is no price"),
        ({"price": "-1"}, "no price"),
        ({"vat": "200"}, "rate of tax"),
        ({"name": "", "name_fi": ""}, "no code or no name"),
    ],
)
def test_a_bad_row_of_the_price_list_is_named(change: dict[str, str], told: str) -> None:
    with pytest.raises(PolicyError, match=told):
        quote.prices([(2, {**ROW, **change})])


def test_two_prices_of_one_code_are_refused() -> None:
    with pytest.raises(PolicyError, match="two of 'px'"):
        quote.prices([(2, ROW), (3, {**ROW, "code": "px"})])


def test_the_sample_companys_prices_come_to_what_its_knowledge_says() -> None:
    content = (asset("demo") / "prices.csv").read_bytes()
    items = quote.prices(read_rows("prices.csv", content, quote.HEADINGS, ("code", "price")))
    pump = next(item for item in quote.offered(items, "sv") if item.code == "REV5")
    assert pump.name == "Luftvärmepump Revontuli 5"
    assert quote.totals(quote.with_line(Quote(), pump, "1")).total == Decimal("1490.00")


def test_what_stands_far_behind_the_decimal_mark_is_neither_rounded_away_nor_taken() -> None:
    item = Price(code="PX", name="Pump", price=Decimal(1))
    with pytest.raises(Refused, match="is no quantity"):
        quote.with_line(Quote(), item, f"1.{'0' * 40}1")
    with pytest.raises(PolicyError, match="no price"):
        quote.prices([(2, {**ROW, "price": f"0.{'0' * 3_000}1"})])
