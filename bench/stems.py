"""How words are reduced to what they are found by: our Kazakh stemmer beside KazStem, our Russian beside Snowball alone.

Apart: pairs of a form and its lemma, from hand-made corpora, that would not find each other (under-stemming). Merged: lemmas
that share their token with another lemma (over-stemming). The corpora's lemma of a verb is its bare root, which texts hardly
use; so verbs are also paired with what dictionaries and titles of acts have, the verbal noun (беру for бер).

KazStem 0.2 is an interface to the finite-state analyser of apertium-kaz, which its package does not contain: compile it with
Debian's `hfst` (hfst-lexc, hfst-twolc, hfst-compose-intersect, hfst-invert, hfst-fst2fst -w) and name the file in
KZOPEN_BENCH_KAZSTEM. Of several readings KazStem's first one counts, since a word in an index has no sentence to choose by.
"""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import snowballstemmer
from ckanext.kzopen.search import analysis, kazakh

from bench import _relevance_documents as documents
from bench import _relevance_engines as engines
from bench._relevance_labels import labels, ndcg, queries
from bench.figures import Figure, at_least, told

NLP = documents.CORPUS / "nlp"
KAZAKH_PAIRS = ("kk_ud_ktb_pairs.tsv", "kk_apertium_pairs.tsv")
RUSSIAN_PAIRS = ("ru_ud_gsd_pairs.tsv", "ru_ud_taiga_pairs.tsv")
NOMINAL = ("NOUN", "ADJ", "<n>", "<adj>")
WORDS_OF_ACTS = 2_000
FASTEST = 200_000

Stem = Callable[[str], str]
Pair = tuple[str, str]


def run(quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """All figures; `quick` leaves out what each stemmer does to relevance."""
    say(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    kazstem = KazStem.at(os.environ.get("KZOPEN_BENCH_KAZSTEM"))
    if kazstem is None:
        say(
            "KazStem is not compared: KZOPEN_BENCH_KAZSTEM names no analyser, or hfst-lookup is missing (apt-get install hfst)"
        )
    peer = None if kazstem is None else kazstem.stem
    nouns, verbs = list(_pairs(KAZAKH_PAIRS, nominal=True)), list(_pairs(KAZAKH_PAIRS, nominal=False))
    acts = [(word, "") for word in _words_of_acts()]
    if kazstem is not None:
        kazstem.learn({word for pair in (*nouns, *verbs, *acts) for word in pair if word})
        kazstem.learn({verbal_noun(root) for _form, root in verbs})
    russian = snowballstemmer.stemmer("russian").stemWord
    figures = [
        *_judged("stems.kazakh_nouns", nouns, kazakh.stem, peer),
        *_judged("stems.kazakh_verbs", verbs, kazakh.stem, peer),
        *_judged("stems.kazakh_verbal_nouns", [(form, verbal_noun(root)) for form, root in verbs], kazakh.stem, peer),
        *(_agreement(acts, kazstem) if kazstem is not None else []),
        *_judged("stems.russian", list(_pairs(RUSSIAN_PAIRS)), analysis.token, russian),
        *_speed(),
    ]
    return figures if quick else [*figures, *_relevance(peer, kazstem)]


class KazStem:
    """KazStem's analyser, asked once for many words."""

    def __init__(self, analyser: str) -> None:
        self._analyser = analyser
        self._lemmas: dict[str, list[str]] = {}

    @classmethod
    def at(cls, analyser: str | None) -> KazStem | None:
        """None when it cannot be run."""
        return cls(analyser) if analyser and Path(analyser).exists() and shutil.which("hfst-lookup") else None

    def learn(self, words: Iterable[str]) -> None:
        """Analyse words that are not known yet."""
        asked = "\n".join(sorted(set(words) - self._lemmas.keys()))
        done = subprocess.run(["hfst-lookup", "-q", self._analyser], input=asked, capture_output=True, text=True, check=True)
        for word, reading in (line.split("\t")[:2] for line in done.stdout.splitlines() if line.count("\t") >= 2):
            lemmas = self._lemmas.setdefault(word, [])
            if not reading.endswith("+?"):
                lemmas.append(reading.split("<")[0])

    def lemmas(self, word: str) -> list[str]:
        """All that the word may be a form of."""
        return self._lemmas.get(word) or [word]

    def stem(self, word: str) -> str:
        """The first of them."""
        return self.lemmas(word)[0]


def _pairs(names: Iterable[str], nominal: bool | None = None) -> Iterator[Pair]:
    for name in names:
        for line in (NLP / name).read_text(encoding="utf-8").splitlines()[1:]:
            form, lemma, kind = line.split("\t")[:3]
            is_nominal = kind.startswith(NOMINAL)
            is_verb = kind.startswith(("VERB", "<v>"))
            if nominal is None or (nominal and is_nominal) or (not nominal and is_verb):
                yield form, lemma


def verbal_noun(root: str) -> str:
    """The form with у: беру for бер, оқу for оқы, қою for қой."""
    if root.endswith("й"):
        return root[:-1] + "ю"
    return (root[:-1] if root[-1] in "ыі" else root) + "у"


def _words_of_acts() -> list[str]:
    """Different words with a Kazakh letter, in the order of the acts."""
    texts = (path.read_text(encoding="utf-8") for path in sorted((documents.CORPUS / "regulations").glob("*_kk.txt")))
    words = dict.fromkeys(word for text in texts for word in analysis.words(text) if re.search("[әғқңөұүһі]", word))
    return list(words)[:WORDS_OF_ACTS]


def _judged(name: str, pairs: list[Pair], stem: Stem, peer: Stem | None) -> list[Figure]:
    found = []
    for what, measure in (("apart", _apart), ("merged", _merged)):
        other = None if peer is None else measure(pairs, peer)
        found.append(Figure(f"{name}_{what}", measure(pairs, stem), "", "told", peer=other))
    return found


def _apart(pairs: list[Pair], stem: Stem) -> float:
    return sum(stem(form) != stem(lemma) for form, lemma in pairs) / len(pairs)


def _merged(pairs: list[Pair], stem: Stem) -> float:
    lemmas = {lemma for _form, lemma in pairs}
    by_token: dict[str, set[str]] = defaultdict(set)
    for lemma in lemmas:
        by_token[stem(lemma)].add(lemma)
    return sum(len(sharing) for sharing in by_token.values() if len(sharing) > 1) / len(lemmas)


def _agreement(acts: list[Pair], kazstem: KazStem) -> list[Figure]:
    """Words of the acts by KazStem's lemmas: forms of one that we keep apart, words without a common one that we merge."""
    words = [word for word, _ in acts]
    by_lemma: dict[str, list[str]] = defaultdict(list)
    by_token: dict[str, list[str]] = defaultdict(list)
    for word in words:
        by_lemma[kazstem.stem(word)].append(word)
        by_token[kazakh.stem(word)].append(word)
    same = [(one, other) for forms in by_lemma.values() for one in forms for other in forms if one < other]
    apart = sum(kazakh.stem(one) != kazakh.stem(other) for one, other in same) / len(same)
    merged = sum(
        any(set(kazstem.lemmas(word)).isdisjoint(kazstem.lemmas(other)) for other in by_token[kazakh.stem(word)])
        for word in words
    )
    return [told("stems.acts_apart", apart, ""), told("stems.acts_merged", merged / len(words), "")]


def _speed() -> list[Figure]:
    """Tokens a second of the longest act and all Kazakh ones: the first time, and when its words are known."""
    folder = documents.CORPUS / "regulations"
    text = " ".join(
        path.read_text(encoding="utf-8") for path in [*sorted(folder.glob("*_kk.txt")), *folder.glob("code_2007*")]
    )
    analysis.token.cache_clear()
    first, again = _rate(text), max(_rate(text) for _ in range(3))
    return [told("stems.tokens_first_time", first, "/s"), at_least("stems.tokens_known", again, FASTEST, "/s")]


def _rate(text: str) -> float:
    started = time.process_time()
    count = len(analysis.tokens(text))
    return count / (time.process_time() - started)


def _relevance(peer: Stem | None, kazstem: KazStem | None) -> list[Figure]:
    """nDCG@10 of the Kazakh queries of `bench relevance` with our stemmer, with KazStem, and with none."""
    texts, judged = documents.read(), labels()
    asked = [query for query in queries() if query.language == "kk" and any(judged.get(query.number, {}).values())]
    if kazstem is not None:
        kazstem.learn(
            word for text in texts for words in (*text.titles.values(), text.notes) for word in analysis.words(words)
        )
        kazstem.learn(word for query in asked for word in analysis.words(query.text))
    found: dict[str, float] = {}
    for name, stem in (("ours", kazakh.stem), ("none", str), ("kazstem", peer)):
        if stem is not None:
            with _stemming(stem), engines.tantivy(texts) as top:
                found[name] = statistics.mean(ndcg(top(query.text, 10), judged[query.number]) for query in asked)
    return [
        Figure("stems.ndcg10_kazakh", found["ours"], "", "told", peer=found.get("kazstem")),
        told("stems.ndcg10_kazakh_without_stemmer", found["none"], ""),
    ]


@contextmanager
def _stemming(stem: Stem) -> Iterator[None]:
    """Kazakh words inside are reduced by another stemmer."""
    ours = kazakh.stem
    caches = (analysis.token, analysis.forms)
    try:
        kazakh.stem = stem  # type: ignore[assignment] # another function in its place
        for cache in caches:
            cache.cache_clear()
        yield
    finally:
        kazakh.stem = ours
        for cache in caches:
            cache.cache_clear()
