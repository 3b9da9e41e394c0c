"""Scripts: invented names in each, and the fonts that write them. The fonts are those that matplotlib ships."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import ImageFont


@dataclass(frozen=True)
class Script:
    """A script: syllables' parts, the words that stand in a margin, digits, and fonts for upright and slanted text."""

    name: str
    onsets: tuple[str, ...]
    vowels: tuple[str, ...]
    codas: tuple[str, ...]
    words: tuple[tuple[str, str, str], ...]  # sheet, scale, surveyed in
    upright: str = "STIXGeneral.ttf"
    slanted: str = "STIXGeneralItalic.ttf"
    bold: str = "STIXGeneralBol.ttf"
    digits: str = "0123456789"
    leftward: bool = False

    @property
    def capitals(self) -> bool:
        """Whether the script has large and small letters."""
        return self.name in ("Latin", "Greek", "Cyrillic", "Armenian")


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_SERIF = {"upright": "DejaVuSerif.ttf", "slanted": "DejaVuSerif-Italic.ttf", "bold": "DejaVuSerif-Bold.ttf"}
_SANS = {"upright": "DejaVuSans.ttf", "slanted": "DejaVuSans.ttf", "bold": "DejaVuSans-Bold.ttf"}
SCRIPTS = (
    Script(
        "Latin",
        _split("b br c ch d dr f g gr h k l m n p pr r s st t tr v w"),
        _split("a e i o u ei au ie oa é ä ö"),
        ("", "", "n", "r", "l", "s", "rg", "lt", "nd", "rn", "ck", "m"),
        (
            ("Blatt", "Maßstab", "aufgenommen"),
            ("Feuille", "Échelle", "levée en"),
            ("Hoja", "Escala", "levantada en"),
            ("Sheet", "Scale", "surveyed in"),
            ("Foglio", "Scala", "rilevata nel"),
        ),
    ),
    Script(
        "Cyrillic",
        _split("б в г д ж з к л м н п р с т х ч ш кр гр вл ст"),
        _split("а е и о у ы я"),
        ("", "", "в", "н", "р", "к", "ск", "л", "й"),
        (("Листъ", "Масштабъ", "снята въ"),),
    ),
    Script(
        "Greek",
        _split("β γ δ θ κ λ μ ν ξ π ρ σ τ φ χ κρ πλ στ"),
        _split("α ε η ι ο υ ω αι ου"),
        ("", "", "ν", "ς", "ρ", "λ"),
        (("Φύλλον", "Κλίμαξ", "έτος"),),
    ),
    Script(
        "Armenian",
        _split("բ գ դ զ թ լ կ հ մ ն շ պ ջ ս վ տ ր փ"),
        _split("ա ե է ի ո օ"),
        ("", "ն", "ր", "կ", "վ", "ս"),
        (("Թերթ", "Մասշտաբ", "թ."),),
        **_SERIF,
    ),
    Script(
        "Georgian",
        _split("ბ გ დ ვ ზ თ კ ლ მ ნ პ რ ს ტ ფ ქ შ ჩ ც ხ"),
        _split("ა ე ი ო უ"),
        ("", "", "ნ", "რ", "ლ", "ს"),
        (("ფურცელი", "მასშტაბი", "წელი"),),
        **_SERIF,
    ),
    Script(
        "Arabic",
        _split("ب ت ج ح خ د ر ز س ش ص ط ع ف ق ك ل م ن ه"),
        _split("ا و ي"),
        ("", "ن", "ر", "م", "د", "ة"),
        (("لوحة", "مقياس", "سنة"),),
        digits="٠١٢٣٤٥٦٧٨٩",
        leftward=True,
        **_SANS,
    ),
    Script(
        "Hebrew",
        _split("ב ג ד ה ז ח ט כ ל מ נ ס ע פ צ ק ר ש ת"),
        ("", "ו", "י", "א"),
        ("", "ן", "ם", "ה", "ת"),
        (("גיליון", "קנה מידה", "שנת"),),
        leftward=True,
        **_SANS,
    ),
)
WEIGHTS = (0.4, 0.16, 0.1, 0.07, 0.07, 0.1, 0.1)
"""How many of the sheets are in each script."""


def name(script: Script, rng: np.random.Generator, syllables: int | None = None) -> str:
    """An invented name, in the order in which it is read."""
    count = syllables or int(rng.integers(2, 4))
    word = ""
    for number in range(count):
        last = number == count - 1
        word += (
            _one(script.onsets, rng)
            + _one(script.vowels, rng)
            + (_one(script.codas, rng) if last or rng.random() < 0.2 else "")
        )
        if not last:
            word = word.replace("ς", "σ").replace("ן", "נ").replace("ם", "מ").replace("ة", "ت")
    return word[:1].upper() + word[1:] if script.capitals else word


def number(script: Script, value: int) -> str:
    """A whole number in the script's digits, in the order in which it is read."""
    return "".join(script.digits[int(digit)] for digit in str(value))


def as_drawn(script: Script, text: str) -> str:
    """The characters from left to right, as a font without shaping draws them."""
    if not script.leftward:
        return text
    return " ".join(_word(script, word) for word in reversed(text.split(" ")))


def _word(script: Script, word: str) -> str:
    if all(letter.isdigit() or letter in ":°′." for letter in word):
        return word  # numbers run from left to right in every script
    return "".join(reversed(_joined(word) if script.name == "Arabic" else word))


# Presentation forms of Arabic letters, U+FE80 on: isolated, final, and for letters that join on both sides also
# initial and medial (Unicode 15, Arabic Presentation Forms-B).
_FORMS = {
    "ا": 0xFE8D,
    "ب": 0xFE8F,
    "ة": 0xFE93,
    "ت": 0xFE95,
    "ج": 0xFE9D,
    "ح": 0xFEA1,
    "خ": 0xFEA5,
    "د": 0xFEA9,
    "ر": 0xFEAD,
    "ز": 0xFEAF,
    "س": 0xFEB1,
    "ش": 0xFEB5,
    "ص": 0xFEB9,
    "ط": 0xFEC1,
    "ع": 0xFEC9,
    "ف": 0xFED1,
    "ق": 0xFED5,
    "ك": 0xFED9,
    "ل": 0xFEDD,
    "م": 0xFEE1,
    "ن": 0xFEE5,
    "ه": 0xFEE9,
    "و": 0xFEED,
    "ي": 0xFEF1,
}
_ENDS = "اةدرزو"  # these do not join what follows


def _joined(word: str) -> str:
    """Letters in the forms that they have beside their neighbours."""
    drawn = []
    for at, letter in enumerate(word):
        before = at > 0 and word[at - 1] not in _ENDS
        after = at + 1 < len(word) and letter not in _ENDS
        drawn.append(chr(_FORMS[letter] + (3 if before and after else 2 if after else 1 if before else 0)))
    return "".join(drawn)


@lru_cache(128)
def font(file: str, size: int) -> ImageFont.FreeTypeFont:
    """A font of matplotlib's; without shaping, because the libraries that shape differ between machines."""
    import matplotlib

    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / file
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)


def _one(parts: tuple[str, ...], rng: np.random.Generator) -> str:
    return parts[int(rng.integers(len(parts)))]
