"""Units, currencies, months and number words of three languages, each form with its one normal name.

The normal names are English, because something has to be; they are shown to nobody. Inflected forms are listed rather
than derived: the set is small, and a wrong unit would let a wrong promise through.
"""

UNITS: dict[str, str] = {}
CURRENCIES: dict[str, str] = {}
MONTHS: dict[str, int] = {}
NUMBER_WORDS: dict[str, int] = {}
ONES: dict[str, int] = {}

_UNIT_FORMS = {
    "business-day": "arkipäivä arkipäivää arkipäivän arkipäivässä arkipäivät arkipäivien arkipv arkipv."
    " vardag vardagar vardagars arbetsdag arbetsdagar arbetsdagars"
    " weekday weekdays workday workdays",
    "day": "day days päivä päivää päivän päivässä päivät päivien päivästä vuorokausi vuorokautta vuorokauden vuorokaudessa"
    " vrk pv pvä pvää pv. dag dagar dagars dagarna dygn dygnet",
    "hour": "hour hours hrs hr h tunti tuntia tunnin tunnissa tunnit timme timmar timmars tim tim.",
    "minute": "minute minutes min mins minuutti minuuttia minuutin minuutissa minut minuter minuters",
    "second": "second seconds sekunti sekuntia sekunnin sekunnissa sekund sekunder s",
    "week": "week weeks wk wks viikko viikkoa viikon viikossa viikot vko vk vkoa vecka veckor veckors veckan",
    "month": "month months kuukausi kuukautta kuukauden kuukaudessa kuukaudet kk kk. månad månader månaders månaden mån",
    "year": "year years yr yrs vuosi vuotta vuoden vuodessa vuodet vuotias vuotiaat vuotiaille år års åring",
    "piece": "kpl kappale kappaletta kappaleen st stycken styck pcs pc piece pieces item items",
    "kg": "kg kilo kilos kiloa kilon kilogramma kilogrammaa kilogram kilograms",
    "g": "g gram grams grammaa gramma",
    "km": "km kilometer kilometers kilometre kilometres kilometri kilometriä kilometrin",
    "m": "m meter meters metre metres metri metriä metrin",
    "cm": "cm sentti senttiä senttimetri senttimetriä centimeter centimeters centimetre centimetres",
    "mm": "mm millimetri millimetriä millimeter millimeters millimetre millimetres",
    "l": "l litra litraa litran liter liters litre litres",
    "ml": "ml",
    "cl": "cl",
    "dl": "dl",
    "bar": "bar bars baari baaria",
    "w": "w watt watts wattia watin",
    "kw": "kw kilowatt kilowatts kilowattia",
    "kwh": "kwh",
    "v": "v volt volts volttia voltin",
    "a": "a ampeeri ampeeria ampere amperes",
    "celsius": "°c celsius astetta grader degrees",
    "gb": "gb gt gigabyte gigabytes gigatavua",
    "mb": "mb mt megabyte megabytes megatavua",
}
_TWO_WORD_UNITS = {
    "business day": "business-day", "business days": "business-day", "working day": "business-day", "working days": "business-day",
    "calendar days": "day", "kalenteripäivää": "day",
}  # fmt: skip
_CURRENCY_FORMS = {
    "EUR": "€ eur euro euros euroa euron eurolla eurosta euroon euroja e",
    "SEK": "sek kr kronor kronors krona",
    "USD": "$ usd dollar dollars dollaria",
    "GBP": "£ gbp pound pounds puntaa pund",
    "NOK": "nok",
    "DKK": "dkk",
}
_MONTH_FORMS = (
    "january jan tammikuu tammikuuta tammikuun tammikuussa januari",
    "february feb helmikuu helmikuuta helmikuun helmikuussa februari",
    "march mar maaliskuu maaliskuuta maaliskuun maaliskuussa mars",
    "april apr huhtikuu huhtikuuta huhtikuun huhtikuussa",
    "may toukokuu toukokuuta toukokuun toukokuussa maj",
    "june jun kesäkuu kesäkuuta kesäkuun kesäkuussa juni",
    "july jul heinäkuu heinäkuuta heinäkuun heinäkuussa juli",
    "august aug elokuu elokuuta elokuun elokuussa augusti",
    "september sep sept syyskuu syyskuuta syyskuun syyskuussa",
    "october oct lokakuu lokakuuta lokakuun lokakuussa oktober okt",
    "november nov marraskuu marraskuuta marraskuun marraskuussa",
    "december dec joulukuu joulukuuta joulukuun joulukuussa",
)
_NUMBER_FORMS = {
    2: "two kaksi kahta kahden kahdessa kahdella kahdesta två",
    3: "three kolme kolmea kolmen kolmessa kolmella kolmesta tre",
    4: "four neljä neljää neljän neljässä neljällä neljästä fyra",
    5: "five viisi viittä viiden viidessä viidellä viidestä fem",
    6: "six kuusi kuutta kuuden kuudessa kuudella kuudesta sex",
    7: "seven seitsemän seitsemää seitsemässä seitsemällä sju",
    8: "eight kahdeksan kahdeksaa kahdeksassa kahdeksalla åtta",
    9: "nine yhdeksän yhdeksää yhdeksässä yhdeksällä nio",
    10: "ten kymmenen kymmentä kymmenessä kymmenellä tio",
    11: "eleven yksitoista yhtätoista yhdentoista yhdessätoista elva",
    12: "twelve kaksitoista kahtatoista kahdentoista kahdessatoista tolv",
    14: "fourteen neljätoista neljäätoista neljäntoista neljässätoista fjorton",
    20: "twenty kaksikymmentä kahdenkymmenen tjugo",
    24: "kaksikymmentäneljä tjugofyra",
    30: "thirty kolmekymmentä kolmenkymmenen trettio",
    60: "sixty kuusikymmentä kuudenkymmenen sextio",
    90: "ninety yhdeksänkymmentä nittio",
    100: "hundred sata sataa sadan hundra",
}
_ONE_FORMS = "one yksi yhtä yhden yhdessä en ett"  # also articles and pronouns: a number only before a unit

for _name, _forms in _UNIT_FORMS.items():
    UNITS.update(dict.fromkeys(_forms.split(), _name))
UNITS.update(_TWO_WORD_UNITS)
for _name, _forms in _CURRENCY_FORMS.items():
    CURRENCIES.update(dict.fromkeys(_forms.split(), _name))
for _index, _forms in enumerate(_MONTH_FORMS, 1):
    MONTHS.update(dict.fromkeys(_forms.split(), _index))
for _value, _forms in _NUMBER_FORMS.items():
    NUMBER_WORDS.update(dict.fromkeys(_forms.split(), _value))
ONES.update(dict.fromkeys(_ONE_FORMS.split(), 1))
