"""Customers that the invoices name by a number only, given an address each; the same number always gets the same one."""

import hashlib
from typing import Any

# Country names of the Online Retail data set to ISO 3166-1 alpha-2. "Unspecified" and "European Community" are no countries.
COUNTRIES = {
    "Australia": "AU",
    "Austria": "AT",
    "Bahrain": "BH",
    "Belgium": "BE",
    "Brazil": "BR",
    "Canada": "CA",
    "Channel Islands": "JE",
    "Cyprus": "CY",
    "Czech Republic": "CZ",
    "Denmark": "DK",
    "EIRE": "IE",
    "Finland": "FI",
    "France": "FR",
    "Germany": "DE",
    "Greece": "GR",
    "Hong Kong": "HK",
    "Iceland": "IS",
    "Israel": "IL",
    "Italy": "IT",
    "Japan": "JP",
    "Korea": "KR",
    "Lebanon": "LB",
    "Lithuania": "LT",
    "Malta": "MT",
    "Netherlands": "NL",
    "Norway": "NO",
    "Poland": "PL",
    "Portugal": "PT",
    "RSA": "ZA",
    "Saudi Arabia": "SA",
    "Singapore": "SG",
    "Spain": "ES",
    "Sweden": "SE",
    "Switzerland": "CH",
    "USA": "US",
    "United Arab Emirates": "AE",
    "United Kingdom": "GB",
}

STREETS = (
    ("세종대로", "서울"),
    ("테헤란로", "서울"),
    ("해운대해변로", "부산"),
    ("동성로", "대구"),
    ("첨단과기로", "광주"),
    ("중앙로", "제주"),
    ("High Street", "Newport"),
    ("Station Road", "Ashford"),
    ("Church Lane", "Wells"),
    ("Mill Lane", "Harrow"),
    ("Königsallee", "Neustadt"),
    ("Rue de l'Église", "Saint-Aubin"),
    ("Calle Mayor", "Villanueva"),
    ("Storgatan", "Nyköping"),
    ("Via Garibaldi", "Borgo"),
    ("Market Square", "Kingston"),
)
FAMILY = (
    "김",
    "이",
    "박",
    "최",
    "정",
    "강",
    "조",
    "윤",
    "Smith",
    "Jones",
    "García",
    "Müller",
    "Dubois",
    "Rossi",
    "Nilsson",
    "O'Brien",
)
GIVEN = (
    "서연",
    "민준",
    "지우",
    "하은",
    "도윤",
    "수아",
    "예준",
    "지호",
    "Anna",
    "James",
    "Lucía",
    "Jonas",
    "Chloé",
    "Marco",
    "Elsa",
    "Niamh",
)


def draw(text: str) -> int:
    """A number that follows from the text alone."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def address_of(customer: str, country: str) -> dict[str, Any]:
    """``{"name", "street", "city", "country", "zipCode"}``, made up from the customer's number."""
    number = draw(f"address/{customer}")
    street, city = STREETS[number % len(STREETS)]
    family, given = FAMILY[(number >> 8) % len(FAMILY)], GIVEN[(number >> 16) % len(GIVEN)]
    name = f"{family}{given}" if family > "~" and given > "~" else f"{given} {family}"
    house = 1 + (number >> 24) % 200
    return {
        "name": name,
        "street": f"{street} {house}",
        "city": city,
        "country": country,
        "zipCode": f"{(number >> 32) % 100_000:05d}",
    }
