"""Words, code and command output of the invented projects, as long as asked for.

All of it is written here and put together by a seeded generator, so that the
same call gives the same text. Files keep one content however often they are
read.
"""

import random
from functools import cache
from itertools import cycle

CHARACTERS_PER_TOKEN = 1.55
"""How much text stands for a token: a little less than models count for code."""

FILES = (
    "src/cart.ts",
    "src/coupon.ts",
    "src/checkout/flow.ts",
    "src/checkout/totals.ts",
    "src/checkout/address.ts",
    "src/orders/order.ts",
    "src/orders/history.ts",
    "src/pricing/discount.ts",
    "src/pricing/rounding.ts",
    "src/api/cart.routes.ts",
    "src/api/checkout.routes.ts",
    "src/lib/money.ts",
    "test/cart.test.ts",
    "test/coupon.test.ts",
    "test/totals.test.ts",
    "ARCH.md",
)

_NOUNS = ("coupon", "cart", "order", "line", "total", "discount", "shipping", "tax", "voucher")
_VERBS = ("apply", "load", "check", "round", "merge", "clamp", "format", "resolve", "collect")

_BLOCKS = (
    """export function {verb}{Noun}(cart: Cart, {noun}: {Noun}): Money {{
  if (!cart.lines.length) return Money.zero(cart.currency);
  const eligible = cart.lines.filter((line) => line.{noun}Id === {noun}.id);
  const base = Money.sum(eligible.map((line) => line.price.times(line.quantity)));
  return base.times({noun}.rate).round("{mode}");
}}
""",
    """async function {verb}{Noun}ById(id: string, tx: Transaction): Promise<{Noun} | null> {{
  const row = await tx.{noun}.findUnique({{ where: {{ id }}, include: {{ lines: true }} }});
  if (!row) {{
    log.warn("{noun} not found", {{ id }});
    return null;
  }}
  return to{Noun}(row);
}}
""",
    """export interface {Noun}{Verb}Options {{
  currency: CurrencyCode;
  {noun}Id: string;
  at: Date;
  allowPartial?: boolean;
  limit?: number;
}}
""",
    """  it("{verb}s a {noun} once per line", () => {{
    const cart = cartWith([line("mug", {a}_00, {b}), line("tea", {b}_50, 1)]);
    const result = {verb}{Noun}(cart, {noun}Of({{ rate: 0.{a} }}));
    expect(result.total.cents).toBe({a}{b}5);
    expect(result.warnings).toEqual([]);
  }});
""",
    """// The {noun} is {verb}ed before tax: finance reports net amounts, see ARCH.md.
const {NOUN}_LIMIT = {a}{b};
const {verb}Cache = new Map<string, {Noun}>();
""",
    """router.post("/{noun}s/:id/{verb}", requireSession, async (req, res) => {{
  const {noun} = await {verb}{Noun}ById(req.params.id, req.tx);
  if (!{noun}) return res.status(404).json({{ error: "unknown_{noun}" }});
  const cart = await carts.forSession(req.session.id, req.tx);
  res.json({{ cart: present(cart), {noun}: present({noun}) }});
}});
""",
)

_IMPORTS = """import { Cart, CartLine } from "../cart";
import { Coupon, CouponKind } from "../coupon";
import { Money, CurrencyCode } from "../lib/money";
import { log } from "../lib/log";

"""

_REMARKS = (
    "The total is right until a second coupon arrives, so the rounding is not the first suspect.",
    "applyCoupon runs once from the route and once more when the checkout rebuilds the cart.",
    "Discounts are taken off the gross price here, but the invoice takes them off the net price.",
    "I will read the checkout flow before changing anything in the cart itself.",
    "The failing case has two lines with the same product, which the merge step folds together.",
    "Percent coupons keep four decimals until the last step; fixed coupons are cut at once.",
    "The test passes alone and fails in the suite: the coupon cache is shared between cases.",
    "That explains the missing cent: round is called on each line and again on the sum.",
    "Next I look for every caller, so that no one depends on the old order of the steps.",
    "Expired coupons are filtered in the database query, yet the session keeps its own copy.",
    "The schema allows a null limit, and the code reads null as zero.",
    "I keep the public signature and move the calculation into totals.ts.",
    "Shipping is added after the discount, which matches what ARCH.md asks for.",
    "The event handler fires twice when the address changes, once for tax and once for shipping.",
    "With the guard in place both coupons are counted once and the snapshot matches again.",
    "A regression test for the double application comes first, then the fix.",
)

PROMPTS = (
    "The order total is wrong when two coupons are in the cart. Find out why and fix it.",
    "Show me where the discount is calculated and who calls it.",
    "Is the rounding per line or on the sum? The invoice differs by one cent.",
    "Write a failing test for that before you change anything.",
    "Go on with the stronger model, this touches checkout as well.",
    "Fix applyCoupon, but keep its signature.",
    "Continue with the checkout flow.",
    "where is Order defined?",
    "The test in test/totals.test.ts still fails, have a look.",
    "Remove the coupon cache, it is not worth it.",
    "Let an agent look for other places that add the discount twice.",
    "Use its findings and clean up the routes.",
    "What about refunds? They must use the same totals.",
    "I was at lunch. Where are we?",
    "Update the docs in ARCH.md accordingly.",
    "Run the whole suite again.",
    "Rename calcTotal to orderTotal everywhere.",
    "Track what is left as tasks.",
    "Start with the first task.",
    "The linter complains about totals.ts.",
    "Two coupons of the same kind must not stack. Add that rule.",
    "Now the same rule for vouchers.",
    "Last one: the cart page shows the old total until reload.",
)

_SUITES = ("cart", "coupon", "totals", "rounding", "flow", "address", "refund", "history", "routes")

_SUMMARY = """This session is being continued from a previous conversation that was compacted. \
The summary below covers the earlier portion.

Summary:
1. Request: the order total is wrong when two coupons are in the cart; find the cause and fix it, \
with a test first, keeping the signature of applyCoupon.
2. Findings: applyCoupon runs in the cart route and again when the checkout rebuilds the cart. \
Percent coupons keep four decimals, fixed coupons are cut at once, so the two orders of \
application differ by a cent. Rounding happens per line and again on the sum.
3. Files read: src/cart.ts, src/coupon.ts, src/checkout/totals.ts, src/pricing/rounding.ts, \
test/cart.test.ts. Changed so far: test/totals.test.ts.
4. Next: move the calculation into src/checkout/totals.ts, remove the double call, rerun the suite.
"""


def source(path: str, start: int, length: int) -> list[str]:
    """Lines of a file from line ``start`` on, about ``length`` characters of them."""
    lines = _file(path)
    taken: list[str] = []
    size = 0
    for line in lines[start - 1 :]:
        if size >= length:
            break
        taken.append(line)
        size += len(line) + 1
    return taken


def lines_of(path: str) -> int:
    """How many lines the file has."""
    return len(_file(path))


@cache
def _file(path: str) -> tuple[str, ...]:
    rng = random.Random(path)
    if path.endswith(("package-lock.json", "schema.ts")):
        return tuple(_generated(path, rng))
    lines = _IMPORTS.splitlines()
    while len(lines) < 1912:
        kind = rng.randrange(len(_NOUNS))
        noun, verb = _NOUNS[kind], _VERBS[kind]
        block = rng.choice(_BLOCKS).format(
            noun=noun,
            Noun=noun.title(),
            NOUN=noun.upper(),
            verb=verb,
            Verb=verb.title(),
            mode=("half-even", "half-up", "down")[kind % 3],
            a=kind % 8 + 1,
            b=kind // 2 + 1,
        )
        lines += block.splitlines()
    return tuple(lines[:1912])


def _generated(path: str, rng: random.Random) -> list[str]:
    if path.endswith("schema.ts"):
        fields = [(rng.choice(_NOUNS), rng.choice(_VERBS)) for _ in range(700)]
        return [
            f"  {noun}{verb.title()}At?: Maybe<Scalars['{noun.title()}']>;" for noun, verb in fields
        ]
    return [
        f'    "node_modules/@shop/{rng.choice(_NOUNS)}-{rng.choice(_VERBS)}": {{ "version": '
        f'"{rng.randint(0, 9)}.{rng.randint(0, 20)}.{rng.randint(0, 9)}", "license": "MIT" }},'
        for _ in range(400)
    ]


def remarks(length: int, rng: random.Random) -> str:
    """What the model says: about ``length`` characters of sentences."""
    order = cycle(rng.sample(_REMARKS, len(_REMARKS)))
    said = next(order)
    while len(said) < length:
        said += (" " if rng.random() < 0.8 else "\n\n") + next(order)
    return said if length > 60 else said[: max(length, 12)].rsplit(" ", 1)[0] + "."


def suite_run(length: int, rng: random.Random) -> str:
    """Output of a test run."""
    lines = ["", "> shop-api@3.4.1 test", "> vitest run", ""]
    passed = 0
    while sum(map(len, lines)) < length - 120:
        suite = rng.choice(_SUITES)
        count = rng.randint(3, 19)
        passed += count
        lines.append(f" ✓ test/{suite}.test.ts ({count} tests) {rng.randint(4, 80)}ms")
        if rng.random() < 0.25:
            verb, noun = rng.choice(_VERBS), rng.choice(_NOUNS)
            lines.append(f"   ✓ {verb}s a {noun} once per line")
            lines.append(f"   ✓ {verb}s nothing when the {noun} has expired")
    lines += ["", f" Tests  {passed} passed ({passed})", f" Duration  {rng.randint(900, 4000)}ms"]
    return "\n".join(lines)


def search_hits(needle: str, length: int, rng: random.Random) -> str:
    """Output of a search for ``needle``."""
    hits: list[str] = []
    size = 0
    while size < length:
        path = rng.choice(FILES)
        hit = f"{path}:{rng.randint(3, 400)}:  const {rng.choice(_NOUNS)} = {needle}(cart, coupon);"
        hits.append(hit)
        size += len(hit) + 1
    return "\n".join(hits)


def changes(length: int, rng: random.Random) -> str:
    """A diff, a log or a listing."""
    path = rng.choice(FILES[:12])
    body = source(path, rng.randint(1, 1200), length)
    if rng.random() < 0.5:
        return "\n".join([f"diff --git a/{path} b/{path}", "@@ -40,7 +40,9 @@", *body])
    return "\n".join(body)


def summary(length: int, rng: random.Random) -> str:
    """What a compaction leaves, ``length`` characters: the estimate of its tokens hangs on it."""
    text = _SUMMARY + "5. Notes:\n"
    while len(text) < length:
        text += f"- {rng.choice(_REMARKS)}\n"
    return text[: length - 1] + "."
