"""Random sentences in several languages: grammatical enough to be spoken, rich in lip closures."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Grammar:
    """Nouns, verbs and adjectives, and sentence patterns with ``{n} {v} {a}`` in their places."""

    nouns: str
    verbs: str
    adjectives: str
    patterns: tuple[str, ...]


GRAMMARS = {
    "en": Grammar(
        "man woman child teacher river mountain bread market window garden problem answer "
        "company number letter people family week public fish boat movie voice shape bubble map "
        "peach thumb farm beach whale jewel church yellow onion apple ocean oil power house "
        "mouth",
        "make find bring open move push want believe watch follow change remember buy help keep "
        "lose show pull throw shape measure judge wash explain improve perform avoid imagine "
        "wave hear join begin",
        "small big warm beautiful public awful heavy quiet simple brave blue huge famous "
        "possible new old happy empty important smooth rough young early obvious",
        (
            "the {a} {n} will {v} the {n} before the {n} can {v} it",
            "we {v} a {a} {n} and they {v} our {n}",
            "how do you {v} the {a} {n} without a {n}",
            "maybe my {n} could {v} more than one {a} {n}",
            "I think that every {n} should {v}, but please {v} me first",
            "five or six {a} {n}s never {v} what you {v} at home",
            "oh, well, it was a very {a} {n}, wasn't it",
        ),
    ),
    "es": Grammar(
        "hombre mujer niño calle montaña pan mercado ventana jardín problema respuesta número "
        "gente familia semana pez barco película voz mapa amigo pueblo agua lluvia guitarra "
        "jueves queso",
        "hacer buscar abrir mover empujar querer creer mirar cambiar comprar ayudar guardar "
        "perder mostrar bajar volver imaginar llover vivir jugar",
        "pequeño grande bonito público pesado tranquilo simple famoso posible nuevo viejo feliz "
        "vacío importante joven azul amarillo",
        (
            "el {n} {a} va a {v} la {n} antes de {v}",
            "nosotros podemos {v} un {n} {a} y ellos van a {v} mi {n}",
            "cómo puedes {v} el {n} sin {v} una {n}",
            "yo quiero {v} más de un {n} {a} por favor",
            "hay que {v} todos los días, pero también {v} bien",
        ),
    ),
    "de": Grammar(
        "Mann Fenster Buch Berg Markt Problem Brot Garten Woche Boot Film Stimme Freund Wasser "
        "Apfel Baum Blume Brief Familie Mutter Vater Öl Übung Häuser Bäume Küche",
        "machen finden bringen öffnen bewegen wollen glauben folgen verändern kaufen helfen "
        "zeigen üben hören schöpfen prüfen wohnen bleiben wünschen",
        "kleine große schöne öffentliche schwere ruhige einfache berühmte mögliche neue alte "
        "leere wichtige junge blaue grüne",
        (
            "der {a} {n} will den {n} {v}, bevor wir {v}",
            "wir können die {a} {n} {v} und sie möchten mein {n} {v}",
            "warum sollte man ohne {n} nicht {v}",
            "vielleicht ist ein {a} {n} besser, aber bitte erst {v}",
        ),
    ),
    "fr": Grammar(
        "homme femme enfant rue montagne pain marché fenêtre jardin problème réponse nombre "
        "famille semaine poisson bateau film voix ami peuple eau pluie guitare fromage lune "
        "beurre",
        "faire chercher ouvrir bouger pousser vouloir croire regarder changer acheter aider "
        "garder perdre montrer revenir imaginer pleuvoir vivre jouer boire",
        "petit grand beau public lourd tranquille simple fameux possible nouveau vieux heureux "
        "vide important jeune bleu jaune",
        (
            "le {a} {n} veut {v} une {n} avant de {v}",
            "nous pouvons {v} un {n} {a} et vous voulez {v} mon {n}",
            "pourquoi faut-il {v} sans {v} la {n}",
            "je voudrais bien {v} un peu plus, s'il vous plaît",
        ),
    ),
    "pt": Grammar(
        "homem mulher menino rua montanha pão mercado janela jardim problema resposta número "
        "gente família semana peixe barco filme voz mapa amigo povo água chuva violão queijo "
        "mãe",
        "fazer procurar abrir mover empurrar querer acreditar olhar mudar comprar ajudar "
        "guardar perder mostrar voltar imaginar viver jogar beber",
        "pequeno grande bonito público pesado tranquilo simples famoso possível novo velho "
        "feliz vazio importante jovem azul amarelo",
        (
            "o {n} {a} vai {v} a {n} antes de {v}",
            "nós podemos {v} um {n} {a} e eles querem {v} a minha {n}",
            "como você pode {v} sem {v} uma {n}",
            "é preciso {v} todos os dias, mas também {v} bem",
        ),
    ),
    "it": Grammar(
        "casa mano donna strada pane mercato finestra giardino problema risposta numero gente "
        "famiglia settimana pesce barca voce mappa amico paese acqua pioggia chitarra formaggio "
        "chiave cane uomo bambino bocca luna febbre vuoto",
        "fare cercare aprire muovere spingere volere credere guardare cambiare comprare aiutare "
        "perdere mostrare tornare immaginare piovere vivere giocare bere dormire",
        "piccolo grande bello pubblico pesante tranquillo semplice famoso possibile nuovo "
        "vecchio felice vuoto importante giovane azzurro giallo buono",
        (
            "il {n} {a} vuole {v} la {n} prima di {v}",
            "noi possiamo {v} un {n} {a}, e loro vogliono {v} la mia {n}",
            "come puoi {v} la {n} senza una {n}",
            "io voglio {v} molto di più, per favore",
            "bisogna {v} tutti i giorni, ma anche {v} bene",
            "forse {v} una {n} {a} è meglio che {v}",
        ),
    ),
    "ca": Grammar(
        "casa porta dona home carrer pa mercat finestra problema resposta gent família setmana "
        "peix barca veu mapa amic poble aigua pluja guitarra formatge clau gos",
        "fer buscar obrir moure empènyer voler creure mirar canviar comprar ajudar perdre "
        "mostrar tornar imaginar ploure viure jugar beure",
        "petit gran bonic públic pesat tranquil simple famós possible nou vell feliç buit "
        "important jove blau groc",
        (
            "el {n} {a} vol {v} la {n} abans de {v}",
            "nosaltres podem {v} un {n} {a}, i ells volen {v} la meva {n}",
            "com pots {v} la {n} sense una {n}",
            "jo vull {v} molt més, si us plau",
            "cal {v} cada dia, però també {v} bé",
        ),
    ),
    "fi": Grammar(
        "talo käsi nainen mies katu leipä tori ikkuna puutarha ongelma vastaus numero perhe "
        "viikko kala vene ääni kartta ystävä kylä vesi sade kitara juusto avain koira suu kuu "
        "yö pöytä",
        "tehdä etsiä avata liikkua työntää haluta uskoa katsoa muuttaa ostaa auttaa hävitä "
        "näyttää palata kuvitella sataa elää pelata juoda nukkua",
        "pieni iso kaunis julkinen raskas rauhallinen yksinkertainen kuuluisa mahdollinen uusi "
        "vanha onnellinen tyhjä tärkeä nuori sininen keltainen",
        (
            "{a} {n} voi {v} ennen kuin {n} alkaa {v}",
            "me haluamme {v}, mutta he eivät voi {v} kun {a} {n} on täällä",
            "miksi sinä aiot {v} ilman että {n} voi {v}",
            "minun {n} on {a}, ja sinun {n} on {a}",
            "joka päivä pitää {v} ja myös {v} hyvin",
        ),
    ),
    "ru": Grammar(
        "дом рука женщина улица хлеб рынок окно сад проблема ответ номер семья неделя рыба "
        "лодка голос карта друг вода дождь гитара сыр ключ собака муж мама папа луна",
        "делать искать открыть двигать хотеть верить смотреть менять купить помогать потерять "
        "показать вернуться жить играть пить спать любить бывать",
        "маленький большой красивый тяжелый простой известный новый старый пустой важный "
        "молодой синий желтый хороший",
        (
            "{a} {n} может {v} и {v} потом",
            "мы будем {v}, а они хотят {v} свой {n}",
            "почему {n} не может {v} без тебя",
            "мой {n} {a}, а твой {n} {a}",
            "каждый день надо {v}, но также {v} хорошо",
        ),
    ),
    "cs": Grammar(
        "dům ruka žena ulice chléb okno zahrada otázka odpověď číslo rodina týden ryba loďka hlas "
        "mapa přítel voda déšť kytara sýr klíč pes máma táta měsíc řeka bouře ďábel džbán",
        "dělat hledat otevřít hýbat chtít věřit sledovat měnit koupit pomoci ztratit ukázat vrátit "
        "žít hrát pít spát milovat běžet říkat",
        "malý velký krásný těžký prostý známý nový starý prázdný důležitý mladý modrý žlutý dobrý",
        (
            "{a} {n} může {v} a {v} potom",
            "my budeme {v}, ale oni chtějí {v} svůj {n}",
            "proč {n} nemůže {v} bez tebe",
            "můj {n} je {a}, a tvůj {n} je {a}",
            "každý den je potřeba {v}, ale také {v} dobře",
        ),
    ),
}

ARTICLES = "the a an this that these my your our his her their some any each every no one two five"
PREPOSITIONS = "of in on at by for with from into over under about through before after between"
CONJUNCTIONS = "and but or because while although unless until so then"
PRONOUNS = "I you we they he she it everybody someone nobody"
AUXILIARIES = "will can could should might must would never always often really hardly may"
OPENINGS = (
    "well,|oh,|maybe|in fact,|look,|of course|yesterday|frankly,|by the way,|above all,|my friend,"
    "|whatever happens,|for example,|to be honest,|five minutes ago|wow,|anyway,|you know,|um,"
)
QUESTIONS = "why how where when who what"
PINYIN_INITIALS = "b p m f d t n l g k h j q x zh ch sh r z c s y w"
PINYIN_FINALS = (
    "a o e ai ei ao ou an en ang eng ong i u ia ie iao iu ian in iang ing uo ui uan un ua uang"
)
CONSONANTS = "p b t d k g m n f v s z sh ch j l r w y h th"
VOWELS = "ah ee oo oh ay eye ow eh ih uh aw"


@cache
def dictionary(path: str = "/usr/share/dict/words") -> tuple[str, ...]:
    """Plain English words from the system's list (Debian: wamerican), or the grammar's own."""
    grammar = GRAMMARS["en"]
    own = tuple(f"{grammar.nouns} {grammar.verbs} {grammar.adjectives}".split())
    listed = Path(path)
    words = listed.read_text(encoding="utf-8").split() if listed.is_file() else []
    return tuple(word for word in words if re.fullmatch(r"[a-z]{3,9}", word)) or own


def sentence(language: str, rng: random.Random) -> str:
    """One sentence; ``language`` is a key of ``GRAMMARS``, ``pinyin`` or ``pseudo`` (nonsense)."""
    if language == "pinyin":
        return _pinyin(rng)
    if language == "pseudo":
        return _nonsense(rng)
    if language == "en" and rng.random() < 0.75:
        return _english(rng)
    return _filled(GRAMMARS[language], rng)


def _pick(words: str, rng: random.Random) -> str:
    return rng.choice(words.split())


def _filled(grammar: Grammar, rng: random.Random) -> str:
    words = {"n": grammar.nouns, "v": grammar.verbs, "a": grammar.adjectives}
    pattern = rng.choice(grammar.patterns)
    text = re.sub(r"\{(.)\}", lambda slot: _pick(words[slot[1]], rng), pattern)
    return text + rng.choice("..!?")


def _pinyin(rng: random.Random) -> str:
    syllables = [
        _pick(PINYIN_INITIALS, rng) + _pick(PINYIN_FINALS, rng) + rng.choice("1234")
        for _ in range(rng.randint(8, 16))
    ]
    syllables[len(syllables) // 2] += ","
    return " ".join(syllables) + "."


def _nonsense(rng: random.Random) -> str:
    def word() -> str:
        parts = rng.randint(1, 3)
        return "".join(_pick(CONSONANTS, rng) + _pick(VOWELS, rng) for _ in range(parts))

    return " ".join(word() for _ in range(7)) + "."


def _phrase(rng: random.Random) -> str:
    """A noun phrase, half of its words from the whole dictionary."""
    grammar = GRAMMARS["en"]
    words = [_pick(ARTICLES, rng)]
    if rng.random() < 0.5:
        rare = rng.random() < 0.3
        words.append(rng.choice(dictionary()) if rare else _pick(grammar.adjectives, rng))
    rare = rng.random() < 0.45
    noun = rng.choice(dictionary()) if rare else _pick(grammar.nouns, rng)
    return " ".join([*words, noun + ("s" if rng.random() < 0.15 else "")])


def _clause(rng: random.Random) -> str:
    subject = _pick(PRONOUNS, rng) if rng.random() < 0.6 else _phrase(rng)
    verb = _pick(GRAMMARS["en"].verbs, rng)
    end = f" {_pick(PREPOSITIONS, rng)} {_phrase(rng)}" if rng.random() < 0.5 else ""
    return f"{subject} {_pick(AUXILIARIES, rng)} {verb} {_phrase(rng)}{end}"


def _english(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.4:
        text = _clause(rng)
    elif kind < 0.6:
        text = f"{_clause(rng)}{rng.choice([',', ''])} {_pick(CONJUNCTIONS, rng)} {_clause(rng)}"
    elif kind < 0.75:
        text = f"{rng.choice(OPENINGS.split('|'))} {_clause(rng)}"
    elif kind < 0.87:
        verb = _pick(GRAMMARS["en"].verbs, rng)
        pronoun = _pick(PRONOUNS, rng)
        return f"{_pick(QUESTIONS, rng)} {_pick(AUXILIARIES, rng)} {pronoun} {verb} {_phrase(rng)}?"
    else:
        text = ", ".join(_phrase(rng) for _ in range(rng.randint(2, 4)))
    return text + rng.choice("...!")
