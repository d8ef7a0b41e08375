"""The lexicon but for the verbs: nouns, adjectives, determiners, pronouns, numbers and names, as tables to read.

In the tables an underscore is a space. A noun's class says what it can do and have done to it, so that sentences make
sense: nobody eats a church. `he` and `they` stand for masculine French, `she` for feminine; the speaker is a man.
"""

from typing import NamedTuple


class Noun(NamedTuple):
    """English and French, singular and plural, grammatical gender and class."""

    en: str
    en_plural: str
    fr: str
    fr_plural: str
    gender: str  # m or f
    kind: str

    @property
    def mass(self) -> bool:
        """Whether it has no plural here and takes no `a`."""
        return self.kind in MASS


class Adjective(NamedTuple):
    """English and its comparative, French forms, place in the French noun phrase, and the nouns it goes with."""

    en: str
    comparative: str  # - if it is not compared
    m: str
    f: str
    m_plural: str
    f_plural: str
    m_vowel: str  # masculine singular before a noun that begins with a vowel sound: un vieil homme
    place: str  # before or after the noun
    kinds: tuple[str, ...]

    def form(self, gender: str, plural: bool) -> str:
        """Return the French form that agrees."""
        return getattr(self, gender + "_plural" * plural)


NOUN_TABLE = """
man          men           homme           hommes            m  person
woman        women         femme           femmes            f  person
boy          boys          garçon          garçons           m  youth
girl         girls         fille           filles            f  youth
queen        queens       reine           reines            f  person
hero         heroes        héros           héros             m  person
actress      actresses     actrice         actrices          f  person
friend       friends       ami             amis              m  kin
teacher      teachers      professeur      professeurs       m  kin
doctor       doctors       médecin         médecins          m  kin
child        children      enfant          enfants           m  youth
nurse        nurses        infirmière      infirmières       f  kin
brother      brothers      frère           frères            m  family
sister       sisters       sœur            sœurs             f  family
aunt         aunts        tante           tantes            f  family
dog          dogs          chien           chiens            m  animal
cat          cats          chat            chats             m  animal
horse        horses        cheval          chevaux           m  animal
bird         birds         oiseau          oiseaux           m  animal
bread        -             pain            -                 m  dish
cheese       -             fromage         -                 m  dish
meat         -             viande          -                 f  dish
soup         -             soupe           -                 f  dish
water        -             eau             -                 f  drink
apple        apples        pomme           pommes            f  food
potato       potatoes      pomme_de_terre  pommes_de_terre   f  food
egg          eggs          œuf             œufs              m  food
cake         cakes         gâteau          gâteaux           m  food
bean         beans         haricot         haricots          m  food
car          cars          voiture         voitures          f  thing
key          keys          clé             clés              f  thing
hat          hats          chapeau         chapeaux          m  thing
dress        dresses       robe            robes             f  thing
umbrella     umbrellas     parapluie       parapluies        m  thing
watch        watches       montre          montres           f  thing
book         books         livre           livres            m  writing
letter       letters       lettre          lettres           f  writing
newspaper    newspapers    journal         journaux          m  writing
story        stories       histoire        histoires         f  writing
house        houses        maison          maisons           f  home
city         cities        ville           villes            f  home
school       schools       école           écoles            f  building
hotel        hotels        hôtel           hôtels            m  building
church       churches      église          églises           f  building
hospital     hospitals     hôpital         hôpitaux          m  building
garden       gardens       jardin          jardins           m  building
market       markets       marché          marchés           m  stop
train_station train_stations gare          gares             f  stop
"""

ADJECTIVE_TABLE = """
big         bigger            grand       grande       grands       grandes       =       before  animal home building
small       smaller           petit       petite       petits       petites       =       before  youth animal food home building
good        -                 bon         bonne        bons         bonnes        =       before  youth kin dish food writing
beautiful   more_beautiful    beau        belle        beaux        belles        bel     before  animal thing writing home building
old         older             vieux       vieille      vieux        vieilles      vieil   before  person kin animal thing writing home building
new         -                 nouveau     nouvelle     nouveaux     nouvelles     nouvel  before  kin thing writing building stop
young       younger           jeune       jeune        jeunes       jeunes        =       before  person youth kin animal
red         -                 rouge       rouge        rouges       rouges        =       after   thing
blue        -                 bleu        bleue        bleus        bleues        =       after   thing
white       -                 blanc       blanche      blancs       blanches      =       after   thing animal home
black       -                 noir        noire        noirs        noires        =       after   thing animal
expensive   more_expensive    cher        chère        chers        chères        =       after   thing food
fresh       -                 frais       fraîche      frais        fraîches      =       after   dish drink food
cold        -                 froid       froide       froids       froides       =       after   dish drink
hot         -                 chaud       chaude       chauds       chaudes       =       after   dish drink
happy       happier           heureux     heureuse     heureux      heureuses     =       after   person youth kin family animal
sad         sadder            triste      triste       tristes      tristes       =       after   person youth kin family writing
rich        richer            riche       riche        riches       riches        =       after   person youth kin family
famous      more_famous       célèbre     célèbre      célèbres     célèbres      =       after   person writing building
tired       more_tired        fatigué     fatiguée     fatigués     fatiguées     =       after   person youth kin family animal
intelligent more_intelligent  intelligent intelligente intelligents intelligentes =       after   person youth kin family animal
"""  # noqa: E501

PEOPLE = ("person", "youth", "kin", "family")
MASS = ("dish", "drink")
PLACES = ("home", "building", "stop")


def _rows(table: str, columns: int) -> list[list[str]]:
    return [[x.replace("_", " ") for x in line.split(maxsplit=columns - 1)] for line in table.strip().splitlines()]


def _adjective(row: list[str]) -> Adjective:
    en, comparative, m, f, m_plural, f_plural, m_vowel, place, kinds = row
    m_vowel = m if m_vowel == "=" else m_vowel
    return Adjective(en, comparative, m, f, m_plural, f_plural, m_vowel, place, tuple(kinds.split()))


NOUNS = tuple(Noun(*row) for row in _rows(NOUN_TABLE, 6))
ADJECTIVES = tuple(_adjective(row) for row in _rows(ADJECTIVE_TABLE, 9))


class Determiner(NamedTuple):
    """English beside French for masculine and feminine singular and for the plural; empty where there is none."""

    en: str
    en_plural: str
    m: str
    f: str
    plural: str

    def forms(self, gender: str, plural: bool) -> tuple[str, str]:
        """Return the English and the French form."""
        return (self.en_plural, self.plural) if plural else (self.en, getattr(self, gender))


THE = Determiner("the", "the", "le", "la", "les")
THIS = Determiner("this", "these", "ce", "cette", "ces")
A = Determiner("a", "some", "un", "une", "des")
SOME = Determiner("some", "", "de le", "de la", "")  # of what is not counted; spelling makes du and de l' of it
NOT_A = Determiner("a", "any", "de", "de", "de")  # after a negation: pas de livre
NOT_ANY = Determiner("any", "", "de", "de", "")
MANY = Determiner("", "many", "", "", "beaucoup de")
NOTHING = Determiner("", "", "", "", "")
HOW_MANY = Determiner("", "how many", "", "", "combien de")
POSSESSIVES = (
    Determiner("my", "my", "mon", "ma", "mes"),
    Determiner("his", "his", "son", "sa", "ses"),
    Determiner("her", "her", "son", "sa", "ses"),
    Determiner("our", "our", "notre", "notre", "nos"),
    Determiner("their", "their", "leur", "leur", "leurs"),
)

# English, French, person (0 je, 1 il, 2 nous, 3 ils), gender, plural
PRONOUNS = (
    ("i", "je", 0, "m", False),
    ("he", "il", 1, "m", False),
    ("she", "elle", 1, "f", False),
    ("we", "nous", 2, "m", True),
    ("they", "ils", 3, "m", True),
)

# English, French as direct and as indirect object, person, gender, plural
OBJECT_PRONOUNS = (
    ("me", "me", "me", 0, "m", False),
    ("him", "le", "lui", 1, "m", False),
    ("her", "la", "lui", 1, "f", False),
    ("us", "nous", "nous", 2, "m", True),
    ("them", "les", "leur", 3, "m", True),
)

# English, French, what `in` and `to` are, what `from` is
NAMES = (
    ("paris", "paris", "à", "de"),
    ("london", "londres", "à", "de"),
    ("france", "france", "en", "de"),
    ("spain", "espagne", "en", "de"),
    ("japan", "japon", "au", "du"),
    ("canada", "canada", "au", "du"),
)

# Not one, for French has un or une there; cardinals, ordinals and French from 1 on, French hyphens as since 1990.
_TENS = "one two three four five six seven eight nine".split()
_NTHS = "first second third fourth fifth sixth seventh eighth ninth".split()
CARDINALS = [*_TENS, *"ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty".split()]
CARDINALS += [*(f"twenty-{unit}" for unit in _TENS), "thirty", "thirty-one"]
ORDINALS = [*_NTHS, *"tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth".split()]
ORDINALS += ["nineteenth", "twentieth", *(f"twenty-{unit}" for unit in _NTHS), "thirtieth", "thirty-first"]
FRENCH_NUMBERS = "un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize".split()
FRENCH_NUMBERS += ["dix-sept", "dix-huit", "dix-neuf", "vingt", "vingt-et-un"]
FRENCH_NUMBERS += [f"vingt-{unit}" for unit in FRENCH_NUMBERS[1:9]] + ["trente", "trente-et-un"]

COUNTS = (*range(2, 13), 15, 16, 20, 21, 22, 30, 31)  # of things; days and ages have all the numbers

MONTHS = (
    *(("january", "janvier"), ("february", "février"), ("march", "mars"), ("april", "avril"), ("may", "mai")),
    *(("june", "juin"), ("july", "juillet"), ("august", "août"), ("september", "septembre"), ("october", "octobre")),
    *(("november", "novembre"), ("december", "décembre")),
)
WEEKDAYS = (
    *(("monday", "lundi"), ("tuesday", "mardi"), ("wednesday", "mercredi"), ("thursday", "jeudi")),
    *(("friday", "vendredi"), ("saturday", "samedi"), ("sunday", "dimanche")),
)
