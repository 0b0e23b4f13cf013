"""The contacts: whose a row is, what a promotion for everybody is, and what a service may answer."""

import pytest

from appliance.desk import contacts
from appliance.records.voice import Caller

ANNA = {
    "kind": "job",
    "title": "Service",
    "address": "Anna@Example.fi",
    "telephone": "+358 40 123 4567",
    "name": "Anna Virtanen",
    "company": "Virtanen Oy",
}
QUOTE = {"kind": "tarjous", "title": "Pumppu", "telephone": "040-1234567", "day": "2026-11-02", "amount": "2 580 €"}
FOR_ALL = {"kind": "kampanja", "title": "Suodattimet"}
OTHERS = {"kind": "job", "title": "Secret", "address": "erik@example.fi"}
ROWS = tuple(enumerate((ANNA, QUOTE, FOR_ALL, OTHERS), 2))


@pytest.mark.parametrize(
    "caller",
    [Caller(address="anna@example.fi"), Caller(telephone="0401234567"), Caller(company="virtanen oy"), Caller(name="anna virtanen")],
)
def test_a_caller_is_known_by_address_number_company_or_name_alone(caller: Caller) -> None:
    found = contacts.from_rows(ROWS, caller)
    assert found.found
    assert "Service" in [one.title for one in found.of("job")]
    assert [one.title for one in found.of("promotion")] == ["Suodattimet"]
    assert "Secret" not in repr(found)


def test_the_table_fills_in_what_is_not_known_of_the_caller() -> None:
    found = contacts.from_rows(ROWS, Caller(telephone="040 123 4567"))
    assert (found.caller.name, found.caller.company, found.caller.telephone) == ("Anna Virtanen", "Virtanen Oy", "040 123 4567")
    assert [one.title for one in found.of("quote")] == ["Pumppu"]


def test_a_namesake_with_another_address_is_somebody_else() -> None:
    found = contacts.from_rows(ROWS, Caller(name="Anna Virtanen", address="other@example.fi"))
    assert not found.found
    assert [one.kind for one in found.dealings] == ["promotion"]


@pytest.mark.parametrize("caller", [Caller(), Caller(telephone="123"), Caller(name=" ")])
def test_nobody_is_taken_for_anybody(caller: Caller) -> None:
    assert not contacts.from_rows((*ROWS, (9, {"kind": "job", "title": "Blank", "telephone": "123", "name": " "})), caller).found


def test_a_service_answers_in_lists() -> None:
    answer = b'{"name": "Anna", "jobs": [{"title": "Service", "day": "2026-03-12"}], "quotes": [{"title": "Pump", "amount": "100"}]}'
    found = contacts.from_service(answer, Caller(address="anna@example.fi"))
    assert (found.found, found.way, found.caller.name, found.caller.address) == (True, "service", "Anna", "anna@example.fi")
    assert [(one.kind, one.title) for one in found.dealings] == [("job", "Service"), ("quote", "Pump")]
    assert not contacts.from_service(b"{}", Caller(name="Anna")).found


@pytest.mark.parametrize("answer", [b"", b"[]", b'{"jobs": 1}', b'{"jobs": [{"day": "x"}]}', b"<html>"])
def test_an_answer_that_is_not_as_agreed_is_refused(answer: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        contacts.from_service(answer, Caller())
