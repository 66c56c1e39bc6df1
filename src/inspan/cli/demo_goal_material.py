"""The repository of ``inspan demo goal`` and what its scripted agents do, as texts and data.

It must run from an installed wheel. The agents' work is written here, and no model is asked; what
they change is committed, tested, rejected, merged and joined for real. Nothing is run by importing.
"""

from __future__ import annotations

from typing import Any, Final

GOAL: Final = "add discounts, shipping and receipts to the shop, with tests"

_BASKET: Final = '''\
"""What somebody wants to buy."""


class Basket:
    def __init__(self):
        self.items = []

    def add(self, name, price, count=1):
        """``price`` in cents."""
        if price < 0 or count < 1:
            raise ValueError("a price is 0 or more, a count 1 or more")
        self.items.append((name, price, count))

    def goods(self):
        return sum(price * count for _, price, count in self.items)

    def total(self):
        """What is to be paid, in cents."""
        amount = self.goods()
        return amount
'''
_MONEY: Final = '''\
"""Amounts in cents, and as people read them."""


def shown(cents):
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02}"
'''
_TEST_BASKET: Final = """\
import unittest

from shop.basket import Basket
from shop.money import shown


class Baskets(unittest.TestCase):
    def test_an_empty_one_costs_nothing(self):
        self.assertEqual(Basket().total(), 0)

    def test_goods_are_counted(self):
        basket = Basket()
        basket.add("tea", 350, 2)
        basket.add("cup", 1200)
        self.assertEqual(basket.total(), 1900)

    def test_nothing_costs_less_than_nothing(self):
        with self.assertRaises(ValueError):
            Basket().add("tea", -1)

    def test_amounts_are_shown(self):
        self.assertEqual([shown(5), shown(1900), shown(-250)], ["0.05", "19.00", "-2.50"])
"""
#: What whoever wants the goal will hold it to: each is skipped as long as there is nothing to hold.
_ACCEPTANCE: Final = '''\
"""What the shop has to do, as its owner wrote it down before the work began."""

import importlib.util
import unittest

from shop.basket import Basket


def there(name):
    return importlib.util.find_spec(f"shop.{name}") is not None


def basket():
    made = Basket()
    made.add("tea", 1000, 2)
    return made


@unittest.skipUnless(there("discount"), "no discounts yet")
class Discounts(unittest.TestCase):
    def test_a_share_comes_off(self):
        from shop.discount import Discount

        made = basket()
        made.discount = Discount(10)
        self.assertEqual(made.goods() - made.discount.of(made.goods()), 1800)

    def test_more_than_all_is_refused(self):
        from shop.discount import Discount

        with self.assertRaises(ValueError):
            Discount(120)


@unittest.skipUnless(there("shipping"), "no shipping yet")
class Shipping(unittest.TestCase):
    def test_large_orders_ship_for_nothing(self):
        from shop.shipping import Shipping

        self.assertEqual([Shipping().of(4999), Shipping().of(5000)], [490, 0])


@unittest.skipUnless(there("discount") and there("shipping"), "not both yet")
class Together(unittest.TestCase):
    def test_the_discount_is_on_the_goods_and_not_on_the_shipping(self):
        from shop.discount import Discount
        from shop.shipping import Shipping

        made = basket()
        made.discount, made.shipping = Discount(50), Shipping()
        self.assertEqual(made.total(), 1000 + 490)


@unittest.skipUnless(there("receipt"), "no receipts yet")
class Receipts(unittest.TestCase):
    def test_it_adds_up(self):
        from shop.receipt import receipt

        self.assertEqual(receipt(basket()).splitlines()[-1], "total  20.00")


if __name__ == "__main__":
    unittest.main()
'''
#: path → text, of the repository's first commit.
FILES: Final = {
    ".gitignore": "__pycache__/\n",
    "README.md": "# shop\n\nA basket and what is in it. `python -m unittest discover` tests it.\n",
    "shop/__init__.py": "",
    "shop/basket.py": _BASKET,
    "shop/money.py": _MONEY,
    "tests/__init__.py": "",
    "tests/test_basket.py": _TEST_BASKET,
    "acceptance.py": _ACCEPTANCE,
}

_DISCOUNT: Final = '''\
"""So many percent off."""


class Discount:
    def __init__(self, percent):
        self.percent = percent

    def of(self, amount):
        """What comes off, in cents."""
        return amount * self.percent // 100
'''
_DISCOUNT_CHECKED: Final = _DISCOUNT.replace(
    "        self.percent = percent\n",
    "        if not 0 <= percent <= 100:\n"
    '            raise ValueError("a discount is 0 to 100 percent")\n'
    "        self.percent = percent\n",
)
_TEST_DISCOUNT: Final = """\
import unittest

from shop.basket import Basket
from shop.discount import Discount


class Discounts(unittest.TestCase):
    def test_a_tenth_comes_off(self):
        basket = Basket()
        basket.add("tea", 1000)
        basket.discount = Discount(10)
        self.assertEqual(basket.total(), 900)
"""
_TEST_DISCOUNT_CHECKED: Final = (
    _TEST_DISCOUNT
    + """
    def test_more_than_all_is_refused(self):
        with self.assertRaises(ValueError):
            Discount(101)
"""
)
_SHIPPING: Final = '''\
"""What it costs to send something."""


class Shipping:
    def __init__(self, price=490, free_from=5000):
        self.price, self.free_from = price, free_from

    def of(self, amount):
        """What is added, in cents."""
        return 0 if amount >= self.free_from else self.price
'''
_TEST_SHIPPING: Final = """\
import unittest

from shop.basket import Basket
from shop.shipping import Shipping


class ShippingCosts(unittest.TestCase):
    def test_a_small_order_pays(self):
        basket = Basket()
        basket.add("tea", 1000)
        basket.shipping = Shipping()
        self.assertEqual(basket.total(), 1490)
"""
_CURRENCY: Final = '''\
"""Amounts with the sign of their currency."""

from shop.money import shown

SIGNS = {"EUR": "€", "GBP": "£", "USD": "$"}


def priced(cents, currency):
    return f"{SIGNS[currency]}{shown(cents)}"
'''
_TEST_CURRENCY: Final = """\
import unittest

from shop.currency import priced


class Currencies(unittest.TestCase):
    def test_each_has_its_sign(self):
        self.assertEqual([priced(1900, "EUR"), priced(5, "USD")], ["€19.00", "$0.05"])
"""
_RECEIPT: Final = '''\
"""What was bought, for whoever bought it."""

from shop.money import shown


def receipt(basket):
    lines = [f"{count} x {name}  {shown(price * count)}" for name, price, count in basket.items]
    if basket.discount is not None:
        lines.append(f"discount  {shown(-basket.discount.of(basket.goods()))}")
    return "\\n".join([*lines, f"total  {shown(basket.total())}"]) + "\\n"
'''
_TEST_RECEIPT: Final = """\
import unittest

from shop.basket import Basket
from shop.discount import Discount
from shop.receipt import receipt
from shop.shipping import Shipping


class Receipts(unittest.TestCase):
    def test_all_of_it_is_there(self):
        basket = Basket()
        basket.add("tea", 1000, 2)
        basket.discount, basket.shipping = Discount(50), Shipping()
        self.assertEqual(receipt(basket), "2 x tea  20.00\\ndiscount  -10.00\\ntotal  14.90\\n")
"""
_INIT: Final = "        self.items = []\n"
_SUM: Final = "        amount = self.goods()\n"

#: step → what its agent does, the last of them also when it is asked again: files that it writes,
#: and in which file it puts what behind which line.
EDITS: Final[dict[str, list[dict[str, Any]]]] = {
    "discount": [
        {
            "write": {"shop/discount.py": _DISCOUNT, "tests/test_discount.py": _TEST_DISCOUNT},
            "behind": [
                ["shop/basket.py", _INIT, "        self.discount = None\n"],
                [
                    "shop/basket.py",
                    _SUM,
                    "        if self.discount is not None:\n"
                    "            amount -= self.discount.of(amount)\n",
                ],
            ],
        },
        {
            "write": {
                "shop/discount.py": _DISCOUNT_CHECKED,
                "tests/test_discount.py": _TEST_DISCOUNT_CHECKED,
            },
            "behind": [],
        },
    ],
    "shipping": [
        {
            "write": {"shop/shipping.py": _SHIPPING, "tests/test_shipping.py": _TEST_SHIPPING},
            "behind": [
                ["shop/basket.py", _INIT, "        self.shipping = None\n"],
                [
                    "shop/basket.py",
                    _SUM,
                    "        if self.shipping is not None:\n"
                    "            amount += self.shipping.of(amount)\n",
                ],
            ],
        }
    ],
    "currency": [
        {
            "write": {"shop/currency.py": _CURRENCY, "tests/test_currency.py": _TEST_CURRENCY},
            "behind": [],
        }
    ],
    "receipt": [
        {
            "write": {"shop/receipt.py": _RECEIPT, "tests/test_receipt.py": _TEST_RECEIPT},
            "behind": [],
        }
    ],
}
#: The step that a reviewer rejects once, and whose lines are another's, too.
REJECTED: Final = "discount"


def _step(name: str, title: str, prompt: str, *after: str) -> dict[str, Any]:
    # The name in the prompt is what its agent knows its part of the script by.
    prompt = f"STEP {name}: {prompt}"
    return {"name": name, "title": title, "prompt": prompt, "after": [*after], "minutes": 5}


PLAN: Final = {
    "summary": "discounts, shipping and currencies side by side, then receipts",
    "steps": [
        _step(
            "discount",
            "A discount in percent",
            "let a basket have a discount in percent, with tests.",
        ),
        _step("shipping", "Costs of shipping", "let a basket have costs of shipping, with tests."),
        _step(
            "currency",
            "Amounts with their currency",
            "show amounts with the sign of a currency, with tests.",
        ),
        _step(
            "receipt", "A receipt to print", "print a receipt, with tests.", "discount", "shipping"
        ),
    ],
}

AGENT: Final = '''\
"""A scripted agent: `agent.py ROLE`, with what it is asked on its standard input."""

import json
import pathlib
import re
import subprocess
import sys
import time

SCRIPT = json.loads(pathlib.Path(__file__).with_name("script.json").read_text("utf-8"))
HUNK = re.compile(r"<{7}[^\\n]*\\n(.*?)={7}\\n(.*?)>{7}[^\\n]*\\n", re.S)


def plan(asked):
    print(json.dumps(SCRIPT["plan"]))


def work(asked):
    if "git could not join them" in asked:
        join(asked)
        return
    step = re.search(r"STEP ([a-z]+):", asked)[1]
    turns = SCRIPT["edits"][step]
    edit = turns[-1] if "Take up these findings" in asked else turns[0]
    time.sleep(SCRIPT["takes"])
    for name, text in edit["write"].items():
        pathlib.Path(name).write_text(text, "utf-8")
    for name, line, more in edit["behind"]:
        file = pathlib.Path(name)
        text = file.read_text("utf-8")
        if more not in text:
            file.write_text(text.replace(line, line + more, 1), "utf-8")
    commit(f"{step}: " + ("take up what the review found" if edit is not turns[0] else "as asked"))
    print(f"{step} is done and committed.")


def join(asked):
    """Both sides, what comes off before what is added."""
    names = asked.partition("in these files:\\n")[2].partition("\\n\\n")[0]
    for name in names.splitlines():
        file = pathlib.Path(name.removeprefix("- "))
        file.write_text(HUNK.sub(both, file.read_text("utf-8")), "utf-8")
    commit("bring both sides together")
    print("Both sides are together.")


def both(hunk):
    return "".join(sorted(hunk.groups(), key=lambda side: "discount" not in side))


def commit(message):
    who = ["-c", "user.name=A scripted agent", "-c", "user.email=agent@example.org"]
    subprocess.run(["git", "add", "--all"], check=True)
    subprocess.run(["git", *who, "commit", "--quiet", "-m", message], check=True)


def review(asked):
    """What the tests say that the owner wrote: they are run here, on the work itself."""
    ran = subprocess.run([sys.executable, "-B", "acceptance.py"], capture_output=True, text=True)
    failed = re.findall(r"^(?:FAIL|ERROR): (\\S+)", ran.stderr, re.M)
    findings = [{"file": "acceptance.py", "line": 1, "what": f"{name} fails"} for name in failed]
    good = ran.returncode == 0 or not findings
    verdict = {"verdict": "accept" if good else "reject", "summary": "ran acceptance.py"}
    print(json.dumps({**verdict, "findings": findings}))


{"planner": plan, "worker": work, "reviewer": review}[sys.argv[1]](sys.stdin.read())
'''
