"""How customers ask for the facts that nearly every company keeps, in three languages.

A key such as ``opening_hours`` is often in English whatever the language of its sheet. For the keys below the words are
known without the company writing them; for its own keys the column Aliases does the same.
"""

from appliance.records.language import Code

_KEYS: dict[str, dict[Code, str]] = {
    "opening_hours": {
        "fi": "aukioloajat; aukioloaika; milloin olette auki; mihin asti auki; monelta aukeaa; onko auki",
        "sv": "öppettider; öppettid; när har ni öppet; hur länge har ni öppet; när öppnar ni; när stänger ni",
        "en": "opening hours; business hours; when are you open; what time do you open; closing time; are you open",
    },
    "delivery_time": {
        "fi": "toimitusaika; toimitusajat; kauanko toimitus kestää; milloin toimitetaan; milloin paketti tulee",
        "sv": "leveranstid; leveranstider; hur lång tid tar leveransen; när levereras",
        "en": "delivery time; delivery times; shipping time; how long does delivery take; when will it be delivered",
    },
    "delivery_cost": {
        "fi": "toimituskulut; toimitusmaksu; postikulut; rahti; paljonko toimitus maksaa",
        "sv": "leveranskostnad; fraktkostnad; frakt; vad kostar leveransen",
        "en": "delivery cost; shipping cost; postage; delivery fee; shipping fee; how much is delivery",
    },
    "delivery_methods": {
        "fi": "toimitustavat; toimitustapa",
        "sv": "leveranssätt; leveransalternativ",
        "en": "delivery methods; delivery options; shipping options",
    },
    "return_policy": {
        "fi": "palautus; palautusoikeus; palautusehdot; palautusaika; voinko palauttaa; tuotteen palauttaminen; haluan palauttaa",
        "sv": "retur; returrätt; öppet köp; ångerrätt; returvillkor; kan jag returnera; lämna tillbaka",
        "en": "return policy; returns; right of return; can i return; send back",
    },
    "refund": {
        "fi": "hyvitys; rahojen palautus; maksun palautus; milloin saan rahat takaisin",
        "sv": "återbetalning; när får jag pengarna tillbaka; pengarna tillbaka",
        "en": "refund; refunds; money back; get my money back",
    },
    "exchange": {
        "fi": "tuotteen vaihto; vaihto-oikeus; voinko vaihtaa tuotteen",
        "sv": "byte; bytesrätt; byta vara",
        "en": "exchange; can i exchange; swap the product",
    },
    "warranty": {
        "fi": "takuu; takuuaika; takuuehdot; onko takuuta; takuukorjaus",
        "sv": "garanti; garantitid; garantivillkor; hur länge gäller garantin",
        "en": "warranty; guarantee; warranty period; is there a warranty",
    },
    "payment_methods": {
        "fi": "maksutavat; maksutapa; miten voin maksaa; voiko maksaa laskulla; voiko maksaa kortilla",
        "sv": "betalningssätt; betalsätt; betalningsalternativ; hur kan jag betala; betala med faktura; betala med kort",
        "en": "payment methods; payment options; ways to pay; how can i pay; do you accept cards; pay by invoice",
    },
    "contact_phone": {
        "fi": "puhelinnumero; puhelinnumeronne; mihin voin soittaa; asiakaspalvelun numero",
        "sv": "telefonnummer; vilket nummer; vart kan jag ringa",
        "en": "phone number; telephone number; which number can i call",
    },
    "contact_email": {"fi": "sähköpostiosoite", "sv": "e-postadress; mejladress", "en": "email address; e-mail address"},
    "address": {
        "fi": "käyntiosoite; myymälän osoite; missä sijaitsette; missä myymälänne on",
        "sv": "besöksadress; butikens adress; var finns butiken; var ligger butiken",
        "en": "visiting address; store address; shop address; where are you located; where is your shop; store location",
    },
    "cancellation": {
        "fi": "peruutus; tilauksen peruuttaminen; voinko peruuttaa; perua tilaus",
        "sv": "avbeställning; avbeställa; annullera; ångra beställning",
        "en": "cancellation; cancel my order; can i cancel",
    },
    "order_tracking": {
        "fi": "seuranta; lähetyksen seuranta; seurantakoodi; paketin seuranta",
        "sv": "spårning; spåra paket; spårningsnummer; följa leveransen",
        "en": "tracking; track my order; tracking number; track the parcel",
    },
    "spare_parts": {"fi": "varaosat; varaosa", "sv": "reservdelar; reservdel", "en": "spare parts; spare part; replacement parts"},
    "installation": {
        "fi": "asennus; asennusohje; asentaminen",
        "sv": "installation; montering; installera",
        "en": "installation; how to install; mounting",
    },
    "maintenance": {
        "fi": "huolto; huoltaminen; huoltoväli",
        "sv": "underhåll; service; serviceintervall",
        "en": "maintenance; servicing; service interval",
    },
    "complaints": {
        "fi": "reklamaatio; tuote on viallinen; rikkinäinen tuote",
        "sv": "reklamation; reklamera; trasig vara; defekt vara",
        "en": "complaint; defective product; broken product; faulty",
    },
    "gift_card": {"fi": "lahjakortti; lahjakortit", "sv": "presentkort", "en": "gift card; gift voucher"},
    "discount": {
        "fi": "alennus; alennuskoodi; kampanjakoodi",
        "sv": "rabatt; rabattkod; kampanjkod",
        "en": "discount; discount code; promo code; coupon",
    },
}  # fmt: skip
_OTHER_NAMES = {
    "hours": "opening_hours", "business_hours": "opening_hours", "open_hours": "opening_hours",
    "shipping_time": "delivery_time", "delivery_times": "delivery_time", "delivery": "delivery_time",
    "shipping_cost": "delivery_cost", "shipping_costs": "delivery_cost", "delivery_fee": "delivery_cost", "delivery_costs": "delivery_cost",
    "delivery_price": "delivery_cost", "shipping_fee": "delivery_cost",
    "shipping_methods": "delivery_methods", "delivery_options": "delivery_methods",
    "returns": "return_policy", "return": "return_policy", "return_period": "return_policy", "return_right": "return_policy",
    "refunds": "refund", "refund_policy": "refund", "refund_time": "refund",
    "exchanges": "exchange", "exchange_policy": "exchange",
    "guarantee": "warranty", "warranty_period": "warranty", "warranty_terms": "warranty",
    "payment": "payment_methods", "payment_options": "payment_methods", "payments": "payment_methods",
    "phone": "contact_phone", "phone_number": "contact_phone", "telephone": "contact_phone", "customer_service_phone": "contact_phone",
    "email": "contact_email", "email_address": "contact_email", "support_email": "contact_email",
    "location": "address", "visiting_address": "address", "store_address": "address", "shop_address": "address",
    "cancel": "cancellation", "cancellation_policy": "cancellation", "order_cancellation": "cancellation",
    "tracking": "order_tracking", "complaint": "complaints", "discounts": "discount", "discount_code": "discount",
}  # fmt: skip


def common_keys() -> tuple[str, ...]:
    """The keys whose words are known, in a sensible order for a sheet."""
    return tuple(_KEYS)


def common_aliases(key: str, language: Code) -> tuple[str, ...]:
    """Ways to ask for the fact in the language; none for a key that is the company's own."""
    phrases = _KEYS.get(_OTHER_NAMES.get(key, key), {}).get(language, "")
    return tuple(phrase.strip() for phrase in phrases.split(";") if phrase.strip())
