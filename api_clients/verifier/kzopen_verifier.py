#!/usr/bin/env python3
"""Checks what a kzopen portal recorded, without trusting the portal. Python 3.9 or newer, nothing to install.

    python3 kzopen_verifier.py verify receipt.json --key PUBLIC_KEY
    python3 kzopen_verifier.py watch https://portal.example.org --key PUBLIC_KEY

`verify` works without a network, on receipts and certificates. `watch` keeps every signed head that it sees in a file
and proves each new one to continue the kept ones; two that do not agree are shown and kept as evidence. PUBLIC_KEY is 64 hex
digits that you should have from somewhere else than the portal: a newspaper, a paper receipt, another person.
Ends with 0 when all is well, 1 when something is wrong, 2 when the command was not understood or the portal not reached.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import sys
import time
import urllib.error
import urllib.request
from decimal import Decimal
from typing import Any, Callable, Dict, Iterable, Optional, Tuple

Document = Dict[str, Any]
Point = Tuple[int, int, int, int]
Keys = Dict[str, Tuple[bytes, str, Optional[str]]]
Told = Tuple[str, Dict[str, Any]]
Get = Callable[[str], Any]
LARGEST = 50_000_000  # bytes of an answer that is read
SENTENCES = {
    "recorded": {
        "kk": "Расталды: {index}-жазба {at} сәтінде қол қойылған журналда бар ({size} жазба).",
        "ru": "Подтверждено: запись {index} есть в журнале, подписанном {at} ({size} записей).",
        "en": "Proven: leaf {index} is in the log that was signed at {at} ({size} leaves).",
    },
    "promised": {
        "kk": "Қол қойылған уәде: {index}-жазба {until} дейін журналға енеді. Кейін жаңа түбіртек алып, қайта тексеріңіз.",
        "ru": "Подписанное обещание: запись {index} войдёт в журнал до {until}. Позже получите квитанцию снова и проверьте.",
        "en": "A signed promise: leaf {index} will be in the log by {until}. Get the receipt anew later and verify that one.",
    },
    "erased": {
        "kk": "{index}-жазбаның мәтіні өшірілген: {reason}. Хеші журналда қалды.",
        "ru": "Текст записи {index} удалён: {reason}. Её хеш остался в журнале.",
        "en": "The text of leaf {index} was erased: {reason}. Its hash is still in the log.",
    },
    "certified": {
        "kk": "Расталды: {count} жазбадан тұратын куәлікке қол қойылған, барлығы журналда бар.",
        "ru": "Подтверждено: справка подписана, все её записи ({count}) есть в журнале.",
        "en": "Proven: the certificate is signed, and all of its {count} leaves are in the log.",
    },
    "same_file": {
        "kk": "Расталды: файлдың SHA-256 хеші тіркелген хешпен бірдей.",
        "ru": "Подтверждено: SHA-256 файла тот же, что записан.",
        "en": "Proven: the file's SHA-256 is the one that was recorded.",
    },
    "same_events": {
        "kk": "Расталды: {count} оқиға журналға дәл осы күйінде енгізілген.",
        "ru": "Подтверждено: события ({count}) именно такими внесены в журнал.",
        "en": "Proven: {count} events are exactly those that were sealed.",
    },
    "continues": {
        "kk": "Журнал үйлесімді: {size} жазба, сақталған қорытындылар саны – {kept}.",
        "ru": "Журнал непротиворечив: {size} записей, сохранено вершин: {kept}.",
        "en": "The log agrees with what was kept: {size} leaves, {kept} heads kept.",
    },
    "wrong_text": {
        "kk": "ҚАТЕ: {index}-жазбаның мәтіні оның хешіне сәйкес келмейді.",
        "ru": "НЕВЕРНО: текст записи {index} не соответствует её хешу.",
        "en": "WRONG: the text of leaf {index} is not what its hash was made from.",
    },
    "wrong_file": {
        "kk": "ҚАТЕ: бұл файл – тіркелген файл емес (SHA-256: {found}, тіркелгені: {recorded}).",
        "ru": "НЕВЕРНО: это не тот файл, который записан (SHA-256: {found}, записано: {recorded}).",
        "en": "WRONG: this is not the file that was recorded (SHA-256 {found}, recorded {recorded}).",
    },
    "wrong_events": {
        "kk": "ҚАТЕ: {ids} оқиғалары – журналға енгізілген оқиғалар емес, немесе олардың бірі жоқ.",
        "ru": "НЕВЕРНО: события {ids} – не те, что внесены в журнал, или какого-то из них нет.",
        "en": "WRONG: the events {ids} are not those that were sealed, or one of them is missing.",
    },
    "wrong_proof": {
        "kk": "ҚАТЕ: {index}-жазбаның дәлелі қол қойылған қорытындыға апармайды.",
        "ru": "НЕВЕРНО: доказательство записи {index} не ведёт к подписанной вершине.",
        "en": "WRONG: the proof of leaf {index} does not lead to the signed head.",
    },
    "wrong_signature": {
        "kk": "ҚАТЕ: «{what}» қолтаңбасы порталдың сенімді кілтімен қойылмаған.",
        "ru": "НЕВЕРНО: подпись «{what}» сделана не тем ключом портала, которому вы доверяете.",
        "en": "WRONG: the signature of “{what}” was not made by a key that follows from the one you trust.",
    },
    "wrong_time": {
        "kk": "ҚАТЕ: «{what}» құжатына ол кезде қолданылмаған кілтпен қол қойылған.",
        "ru": "НЕВЕРНО: «{what}» подписан ключом, который тогда не действовал.",
        "en": "WRONG: “{what}” is signed by a key that was not in use at that time.",
    },
    "wrong_keys": {
        "kk": "ҚАТЕ: кілттер тарихында қайшылық бар: {key}.",
        "ru": "НЕВЕРНО: история ключей противоречива: {key}.",
        "en": "WRONG: the history of keys contradicts itself at {key}.",
    },
    "wrong_form": {
        "kk": "ҚАТЕ: бұл – kzopen құжаты емес, немесе оның бөлігі жоқ ({what}).",
        "ru": "НЕВЕРНО: это не документ kzopen, или в нём не хватает части ({what}).",
        "en": "WRONG: this is not a document of kzopen, or a part of it is missing ({what}).",
    },
    "apart": {
        "kk": "ҚАТЕ: портал өзара қайшы екі қорытындыға қол қойды; екеуі де дәлел ретінде сақталды:\n{first}\n{second}",
        "ru": "НЕВЕРНО: портал подписал две несовместимые вершины; обе сохранены как доказательство:\n{first}\n{second}",
        "en": "WRONG: the portal has signed two heads that do not agree; both are kept as evidence:\n{first}\n{second}",
    },
    "unreached": {
        "kk": "Портал жауап бермеді: {why}",
        "ru": "Портал не ответил: {why}",
        "en": "The portal did not answer: {why}",
    },
}


class Wrong(Exception):
    """Something does not hold: a code of SENTENCES with its parameters."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code, self.params = code, params


class Unreached(Wrong):
    """The portal did not answer, which proves nothing."""


# --- Canonical JSON, RFC 8785


def canonical(value: Any) -> bytes:
    return text_of(value).encode("utf-8")


def text_of(value: Any) -> str:
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(text_of(name) + ":" + text_of(value[name]) for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(text_of, value)) + "]"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return number(value)
    return json.dumps(value, ensure_ascii=False)


def number(value: float) -> str:
    """As ECMAScript writes a double."""
    if isinstance(value, int) and abs(value) < 2**53:
        return str(value)
    value = float(value)
    if not math.isfinite(value):
        raise ValueError("JSON has no such number")
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    figures, point = "".join(map(str, digits)), len(digits) + int(exponent)
    if value == 0:
        return "0"
    if point > 21 or point < -5:
        text = figures[0] + ("." + figures[1:] if figures[1:] else "") + f"e{point - 1:+d}"
    elif point <= 0:
        text = "0." + "0" * -point + figures
    else:
        text = figures[:point].ljust(point, "0") + ("." + figures[point:] if figures[point:] else "")
    return "-" * sign + text


# --- Merkle tree, RFC 6962 and RFC 9162


def leaf_hash(content: bytes) -> bytes:
    return hashlib.sha256(b"\0" + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def included(leaf: bytes, index: int, size: int, proof: list[bytes], root: bytes) -> bool:
    """RFC 9162, section 2.1.3.2."""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node_hash(step, found)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, step)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def consistent(first: int, second: int, first_root: bytes, second_root: bytes, proof: list[bytes]) -> bool:
    """RFC 9162, section 2.1.4.2."""
    if not 0 < first <= second:
        return False
    if first == second:
        return not proof and first_root == second_root
    if first & (first - 1) == 0:
        proof = [first_root, *proof]
    at, last = first - 1, second - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    if not proof:
        return False
    older = newer = proof[0]
    for step in proof[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            older, newer = node_hash(step, older), node_hash(step, newer)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            newer = node_hash(newer, step)
        at, last = at >> 1, last >> 1
    return last == 0 and older == first_root and newer == second_root


# --- Ed25519, RFC 8032, section 5.1; points are (X, Y, Z, T) with x = X/Z, y = Y/Z, x*y = T/Z

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
NEUTRAL = (0, 1, 1, 0)


def add(p: Point, q: Point) -> Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(n: int, p: Point) -> Point:
    found = NEUTRAL
    while n:
        if n & 1:
            found = add(found, p)
        p, n = add(p, p), n >> 1
    return found


def point(encoded: bytes) -> Point:
    """The point of 32 bytes; ValueError when there is none."""
    y = int.from_bytes(encoded, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if len(encoded) != 32 or y >= P or (x * x - square) % P or (x == 0 and sign):
        raise ValueError("not a point of the curve")
    x = P - x if x & 1 != sign else x
    return (x, y, 1, x * y % P)


def encoded(p: Point) -> bytes:
    inverse = pow(p[2], P - 2, P)
    x, y = p[0] * inverse % P, p[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


BASE = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature of the message is one by that public key."""
    s = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or s >= ORDER:
        return False
    try:
        x, y, z, t = point(public)
    except ValueError:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ORDER
    return encoded(add(times(s, BASE), times(k, (P - x, y, z, P - t)))) == signature[:32]


# --- Documents


def is_signed(document: Document, public: bytes, member: str = "signature") -> bool:
    bare = {name: value for name, value in document.items() if name not in ("signature", "endorsement")}
    return member in document and signed(public, canonical(bare), bytes.fromhex(document[member]))


def trusted_keys(statements: list[Document], pinned: bytes) -> Keys:
    """Keys that follow from the pinned one, forward and back: id -> (public, since, until or None)."""
    known: dict[str, Document] = {}
    after: dict[str, Document] = {}
    for said in statements:
        public = bytes.fromhex(said["public"])
        if hashlib.sha256(public).hexdigest() != said["key"] or not is_signed(said, public) or said["key"] in known:
            raise Wrong("wrong_keys", key=said["key"])
        if said["previous"] is not None and after.setdefault(said["previous"], said) is not said:
            raise Wrong("wrong_keys", key=said["previous"])
        known[said["key"]] = said
    found = set()
    key = hashlib.sha256(pinned).hexdigest()
    while key in known:  # back: a key signs which one was before it
        found.add(key)
        key = known[key]["previous"]
    key = hashlib.sha256(pinned).hexdigest()
    while key in after and is_signed(after[key], bytes.fromhex(known[key]["public"]), "endorsement"):
        key = after[key]["key"]
        found.add(key)
    ends = {key: after[key]["since"] for key in found if key in after and after[key]["key"] in found}
    return {key: (bytes.fromhex(known[key]["public"]), known[key]["since"], ends.get(key)) for key in found}


def check_signature(document: Document, keys: Keys, what: str) -> None:
    if document["type"] != "kzopen.record." + what:
        raise Wrong("wrong_form", what=what)
    if document["key"] not in keys or not is_signed(document, keys[document["key"]][0]):
        raise Wrong("wrong_signature", what=what)
    _public, since, until = keys[document["key"]]
    if document["at"] < since or (until is not None and document["at"] > until):
        raise Wrong("wrong_time", what=what)


def check_leaf(entry: Document, head: Document | None) -> list[Told]:
    """A leaf's text against its hash, and the hash against a head (without one, the text only); notes for the reader."""
    digest, index = bytes.fromhex(entry["hash"]), entry["index"]
    if entry["leaf"] is None and "erased" not in entry:
        raise Wrong("wrong_form", what="leaf")
    if entry["leaf"] is not None and leaf_hash(canonical(entry["leaf"])) != digest:
        raise Wrong("wrong_text", index=index)
    if head is not None:
        proof = [bytes.fromhex(step) for step in entry["proof"]]
        if not included(digest, index, head["size"], proof, bytes.fromhex(head["root"])):
            raise Wrong("wrong_proof", index=index)
    return [("erased", {"index": index, "reason": entry["erased"]})] if entry["leaf"] is None else []


def verify(document: Document, pinned: bytes) -> list[Told]:
    """What a document proves to who trusts the key: a list of codes with parameters; raises Wrong."""
    try:
        keys = trusted_keys(document["keys"], pinned)
        check = {"kzopen.record.receipt": of_receipt, "kzopen.record.certificate": of_certificate}[document["type"]]
        return check(document, keys)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise Wrong("wrong_form", what=str(error)) from error


def of_receipt(document: Document, keys: Keys) -> list[Told]:
    head, index = document.get("head"), document["index"]
    if head is not None:
        check_signature(head, keys, "head")
        proven = ("recorded", {"index": index, "at": head["at"], "size": head["size"]})
    else:
        promise = document["promise"]
        check_signature(promise, keys, "promise")
        if (promise["index"], promise["hash"]) != (index, document["hash"]):
            raise Wrong("wrong_proof", index=index)
        proven = ("promised", {"index": index, "until": promise["until"]})
    return [*check_leaf(document, head), proven]


def of_certificate(document: Document, keys: Keys) -> list[Told]:
    check_signature(document, keys, "certificate")
    check_signature(document["head"], keys, "head")
    notes = [note for entry in document["leaves"] for note in check_leaf(entry, document["head"])]
    return [*notes, ("certified", {"count": len(document["leaves"])})]


# --- What a receipt tells of something that the reader has


def recorded(document: Document, member: str) -> Any:
    """A member of what was recorded; Wrong when this receipt tells no such thing."""
    record = (document.get("leaf") or {}).get("record") or {}
    if member not in record:
        raise Wrong("wrong_form", what=member)
    return record[member]


def check_file(document: Document, path: str) -> list[Told]:
    """The SHA-256 of a file against that of the receipt, such as a version of a table."""
    whole = hashlib.sha256()
    with open(path, "rb") as file:
        for part in iter(lambda: file.read(1 << 20), b""):
            whole.update(part)
    if whole.hexdigest() != recorded(document, "sha256"):
        raise Wrong("wrong_file", found=whole.hexdigest(), recorded=recorded(document, "sha256"))
    return [("same_file", {})]


def check_events(document: Document, path: str) -> list[Told]:
    """Exported lines of the event log against the receipt of their seal; lines of other events are passed over."""
    ids = recorded(document, "ids")
    spans = [tuple(map(int, span.strip("[)").split(","))) for span in ids.strip("{}").split("),")]
    found = {}
    with open(path, "rb") as file:
        for line in file:
            number = json.loads(line)["id"]
            if any(start <= number < end for start, end in spans):
                found[number] = hashlib.sha256(line).digest()
    whole = hashlib.sha256(b"".join(found[number] for number in sorted(found)))
    if (len(found), whole.hexdigest()) != (recorded(document, "count"), recorded(document, "sha256")):
        raise Wrong("wrong_events", ids=ids)
    return [("same_events", {"count": len(found)})]


# --- Watching


class Watch:
    """The heads of one portal, kept in a file: `{"portal", "key", "heads", "apart"}`; all of `heads` agree with each other."""

    def __init__(self, portal: str, path: str, key: str | None = None, get: Get | None = None) -> None:
        self.portal, self.path, self.get = portal.rstrip("/"), path, get or self.fetch
        self.kept: Document = {"portal": self.portal, "key": key, "heads": [], "apart": []}
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                self.kept = json.load(file)
        if key is not None and key != self.kept["key"]:
            raise Wrong("wrong_keys", key=key)

    def fetch(self, address: str) -> Any:
        request = urllib.request.Request(self.portal + address, headers={"Accept": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.loads(answer.read(LARGEST))
        except urllib.error.HTTPError as error:
            if error.code < 500:
                raise LookupError(address) from error
            raise Unreached("unreached", why=str(error)) from error
        except (OSError, ValueError) as error:
            raise Unreached("unreached", why=str(error)) from error

    def look(self, heads: Iterable[Document] = ()) -> list[Told]:
        """Take the portal's newest head, and heads from elsewhere (receipts); raises Wrong at one that does not agree."""
        statements = self.get("/record/keys.json")["keys"]
        self.kept["key"] = self.kept["key"] or statements[-1]["public"]
        keys = trusted_keys(statements, bytes.fromhex(self.kept["key"]))
        for head in [*heads, self.get("/record/head.json")]:
            check_signature(head, keys, "head")
            self.join(head)
        return [("continues", {"size": self.kept["heads"][-1]["size"], "kept": len(self.kept["heads"])})]

    def join(self, head: Document) -> None:
        """Keep a head when it agrees with its neighbours among the kept ones, and so with all of them."""
        smaller = [kept for kept in self.kept["heads"] if kept["size"] <= head["size"]]
        larger = [kept for kept in self.kept["heads"] if kept["size"] > head["size"]]
        for first, second in [*((kept, head) for kept in smaller[-1:]), *((head, kept) for kept in larger[:1])]:
            if not self.agree(first, second):
                self.kept["apart"].append([first, second])
                self.save()
                raise Wrong("apart", first=json.dumps(first), second=json.dumps(second))
        if not any(kept["size"] == head["size"] for kept in smaller):
            self.kept["heads"] = [*smaller, head, *larger]
        self.save()

    def agree(self, first: Document, second: Document) -> bool:
        proof = []
        if first["size"] < second["size"]:
            try:
                proof = self.get(f"/record/consistency?from={first['size']}&to={second['size']}")["proof"]
            except LookupError:  # the portal knows of no such log any more
                return False
        roots = bytes.fromhex(first["root"]), bytes.fromhex(second["root"])
        return consistent(first["size"], second["size"], *roots, [bytes.fromhex(step) for step in proof])

    def save(self) -> None:
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            json.dump(self.kept, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(self.path + ".new", self.path)


# --- Commands


def read(path: str) -> Document:
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def tell(found: Iterable[Told], language: str) -> None:
    for code, params in found:
        print(SENTENCES[code][language].format(**params), flush=True)


def run_verify(options: argparse.Namespace) -> None:
    document = read(options.document)
    found = verify(document, bytes.fromhex(options.key))
    found += check_file(document, options.file) if options.file else []
    found += check_events(document, options.events) if options.events else []
    tell(found, options.lang)


def run_watch(options: argparse.Namespace) -> None:
    watch = Watch(options.url, options.keep, options.key)
    heads = [document.get("head", document) for document in map(read, options.receipt)]
    while True:
        try:
            tell(watch.look(heads), options.lang)
        except Unreached as error:
            if not options.every:
                raise
            tell([(error.code, error.params)], options.lang)
        if not options.every:
            return
        time.sleep(options.every)


def public_key(text: str) -> str:
    if len(bytes.fromhex(text)) != 32:
        raise ValueError
    return text.lower()


def arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("verify", help="check a receipt or a certificate, without a network")
    one.add_argument("document", help="a receipt or a certificate, as JSON")
    one.add_argument("--key", required=True, type=public_key, help="the portal's public key, 64 hex digits")
    one.add_argument("--file", help="also compare this file with the SHA-256 that the receipt tells")
    one.add_argument("--events", help="also compare exported events (JSON lines) with the seal that the receipt tells of")
    one.set_defaults(run=run_verify)
    many = commands.add_parser("watch", help="keep the portal's heads and show two that do not agree")
    many.add_argument("url", help="address of the portal")
    many.add_argument("--key", type=public_key, help="its public key; without it, the one seen first is kept and trusted")
    many.add_argument("--keep", default="heads.json", help="file of the kept heads (default: heads.json)")
    many.add_argument("--receipt", action="append", default=[], help="a receipt whose head must agree too; may be repeated")
    many.add_argument("--every", type=float, default=0, help="look again after so many seconds, for ever")
    many.set_defaults(run=run_watch)
    for command in (one, many):
        command.add_argument("--lang", choices=["kk", "ru", "en"], default="en", help="language of the answers")
    return parser.parse_args(words)


def main(words: list[str] | None = None) -> int:
    options = arguments(words)
    try:
        options.run(options)
    except Wrong as error:
        tell([(error.code, error.params)], options.lang)
        return 2 if isinstance(error, Unreached) else 1
    except (OSError, ValueError) as error:
        tell([("wrong_form", {"what": str(error)})], options.lang)
        return 2 if isinstance(error, OSError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
