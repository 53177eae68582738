from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ordering.validation import as_known, faults_of, faults_of_form

ORDER: dict[str, Any] = {
    "orderId": "ORD-2025-001234",
    "customerId": "CUST-567890",
    "items": [
        {"productId": "P-001", "quantity": 3, "price": 1.25},
        {"productId": "P-002", "quantity": 1, "price": 0.0001},
    ],
    "totalAmount": 3.75,
    "currency": "GBP",
    "shippingAddress": {"street": "세종대로 110", "city": "서울", "country": "KR", "zipCode": "04524"},
    "timestamp": "2025-01-15T10:30:00Z",
    "paymentMethod": "invoice",
}


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in ORDER.items() if key != name}


def item(**changes: Any) -> dict[str, Any]:
    return {**ORDER, "items": [{**ORDER["items"][0], **changes}]}


def test_a_complete_order_has_no_fault() -> None:
    assert faults_of(ORDER) == []


@pytest.mark.parametrize("name", ["currency", "shippingAddress", "timestamp", "paymentMethod"])
def test_what_is_optional_may_be_absent(name: str) -> None:
    assert faults_of(without(name)) == []


FORM = [
    (without("orderId"), "orderId is required"),
    (without("customerId"), "customerId is required"),
    (without("items"), "items is required"),
    (without("totalAmount"), "totalAmount is required"),
    ([], "order must be an object"),
    ({**ORDER, "orderId": 7}, "orderId must be 1 to 64 letters, digits, '-', '_' or '.'"),
    ({**ORDER, "customerId": "a b"}, "customerId must be 1 to 64 letters, digits, '-', '_' or '.'"),
    ({**ORDER, "items": []}, "items must be a list of 1 to 50 items"),
    ({**ORDER, "items": ["x"]}, "items[0] must be an object"),
    (item(quantity=1.5), "items[0].quantity must be a whole number"),
    (item(quantity=True), "items[0].quantity must be a whole number"),
    (item(price="1"), "items[0].price must be a number"),
    (item(price=float("nan")), "items[0].price must be a number"),
    (item(productId=None), "items[0].productId is required"),
    ({**ORDER, "totalAmount": "3.75"}, "totalAmount must be a number"),
    ({**ORDER, "currency": "QQQ"}, "currency must be a code of ISO 4217, not 'QQQ'"),
    ({**ORDER, "paymentMethod": "shells"}, "paymentMethod must be one of card, invoice, saga, not 'shells'"),
    ({**ORDER, "shippingAddress": "here"}, "shippingAddress must be an object"),
    (
        {**ORDER, "shippingAddress": {**ORDER["shippingAddress"], "country": "Unspecified"}},
        "shippingAddress.country must be a code of ISO 3166-1, not 'Unspecified'",
    ),
    ({**ORDER, "shippingAddress": {**ORDER["shippingAddress"], "city": " "}}, "shippingAddress.city is required"),
    (
        {**ORDER, "shippingAddress": {**ORDER["shippingAddress"], "name": 7}},
        "shippingAddress.name must be a text of at most 200 characters",
    ),
    (
        {**ORDER, "shippingAddress": {**ORDER["shippingAddress"], "street": "x" * 201}},
        "shippingAddress.street must have at most 200 characters",
    ),
    ({**ORDER, "timestamp": "yesterday"}, "timestamp must be an ISO 8601 time with its zone"),
    ({**ORDER, "timestamp": "2025-01-15T10:30:00"}, "timestamp must be an ISO 8601 time with its zone"),
]


@pytest.mark.parametrize(("order", "fault"), FORM, ids=[fault for _, fault in FORM])
def test_a_fault_of_form_is_refused_at_the_edge(order: Any, fault: str) -> None:
    assert fault in [str(each) for each in faults_of_form(order)]


def test_only_what_is_known_goes_on() -> None:
    noisy = {**ORDER, "note": "x" * 10, "currency": None}
    noisy["items"] = [{**line, "gift": True} for line in ORDER["items"]]
    noisy["shippingAddress"] = {**ORDER["shippingAddress"], "name": "이서연", "door": "red"}
    expected = {name: value for name, value in ORDER.items() if name != "currency"}
    assert as_known(noisy) == {**expected, "shippingAddress": {**ORDER["shippingAddress"], "name": "이서연"}}


CONTENT = [
    (item(quantity=0), "items[0].quantity must be 1 to 1000000, not 0"),
    (item(quantity=-4), "items[0].quantity must be 1 to 1000000, not -4"),
    (item(price=0), "items[0].price must be positive, not 0"),
    ({**ORDER, "items": [ORDER["items"][0]] * 2}, "items[1].productId repeats P-001: put its quantities into one item"),
    ({**ORDER, "totalAmount": 3.77}, "totalAmount must be the sum of the items, 3.7501, not 3.77"),
    ({**ORDER, "totalAmount": 0}, "totalAmount must be positive, not 0"),
]


@pytest.mark.parametrize(("order", "fault"), CONTENT, ids=[fault for _, fault in CONTENT])
def test_a_fault_of_content_is_accepted_at_the_edge_and_then_rejected(order: dict[str, Any], fault: str) -> None:
    assert faults_of_form(order) == []
    assert fault in [str(each) for each in faults_of(order)]


def test_all_faults_are_told_at_once() -> None:
    order = {"items": [{"productId": "P-1", "quantity": 0, "price": 0}], "totalAmount": -1, "currency": "X"}
    assert [fault.field for fault in faults_of(order)] == [
        "orderId",
        "customerId",
        "items[0].quantity",
        "items[0].price",
        "totalAmount",
        "totalAmount",
        "currency",
    ]


PRICES = st.decimals("0.0001", "9999", places=4)


@given(st.lists(st.tuples(st.integers(1, 10_000), PRICES), min_size=1, max_size=8), st.integers(-3, 3))
def test_a_total_is_right_within_a_cent_and_wrong_beyond(lines: list[tuple[int, Decimal]], off: int) -> None:
    items = [
        {"productId": f"P-{n}", "quantity": quantity, "price": float(price)}
        for n, (quantity, price) in enumerate(lines)
    ]
    exact = sum(quantity * price for quantity, price in lines)
    total = exact.quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN) + off * Decimal("0.01")  # type: ignore[union-attr]  # not empty
    faults = faults_of({**ORDER, "items": items, "totalAmount": float(total)})
    assert bool(faults) == (abs(total - exact) > Decimal("0.01") or total <= 0)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*ORDER, "productId", "price", "city"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON)
def test_anything_that_json_can_say_is_judged(order: Any) -> None:
    assert all(fault.kind in {"form", "content"} for fault in faults_of(order))
