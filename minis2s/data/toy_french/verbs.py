"""The verbs, English and French, with every form the grammar uses."""

from typing import NamedTuple


class Verb(NamedTuple):
    """English base, third person and past; French infinitive, present, future and past participle.

    `present` and `future` have four forms: je, il, nous, ils. `auxiliary` is avoir or être, and - is no past here.
    """

    en: str
    en_s: str
    en_past: str
    infinitive: str
    present: tuple[str, ...]
    future: tuple[str, ...]
    participle: str
    auxiliary: str
    pattern: str  # what follows: object, to, give, place, to_place, from_place or nothing
    kinds: tuple[str, ...]  # of its objects

    def english(self, third_singular: bool) -> str:
        """Return the English present."""
        return self.en_s if third_singular else self.en

    def participle_for(self, gender: str, plural: bool) -> str:
        """Return the past participle that agrees."""
        return self.participle + "e" * (gender == "f") + "s" * plural


FUTURE_ENDINGS = ("ai", "a", "ons", "ont")

# English forms; infinitive; present of je, il, nous, ils; stem of the future; participle; auxiliary; pattern; objects
TABLE = """
see        sees         saw         voir      vois voit voyons voient                         verr      vu       avoir  object     person youth kin family animal thing writing home building
eat        eats         ate         manger    mange mange mangeons mangent                    manger    mangé    avoir  object     dish food
buy        buys         bought      acheter   achète achète achetons achètent                 achèter   acheté   avoir  object     dish drink food thing writing
love       loves        loved       aimer     aime aime aimons aiment                         aimer     aimé     avoir  object     person youth kin family animal writing home
look_for   looks_for    looked_for  chercher  cherche cherche cherchons cherchent             chercher  cherché  avoir  object     person youth kin animal thing writing building stop
find       finds        found       trouver   trouve trouve trouvons trouvent                 trouver   trouvé   avoir  object     animal thing writing food building
know       knows        knew        connaître connais connaît connaissons connaissent         connaîtr  connu    avoir  object     person youth kin family home building writing
listen_to  listens_to   listened_to écouter   écoute écoute écoutons écoutent                 écouter   écouté   avoir  object     person youth kin family
wait_for   waits_for    waited_for  attendre  attends attend attendons attendent              attendr   attendu  avoir  object     person youth kin family
choose     chooses      chose       choisir   choisis choisit choisissons choisissent         choisir   choisi   avoir  object     kin animal food thing writing
have       has          -           avoir     ai a avons ont                                  aur       -        avoir  object     animal dish drink food thing writing
write      writes       wrote       écrire    écris écrit écrivons écrivent                   écrir     écrit    avoir  object     letter story book
speak      speaks       spoke       parler    parle parle parlons parlent                     parler    parlé    avoir  to         person youth kin family
give       gives        gave        donner    donne donne donnons donnent                     donner    donné    avoir  give       dish drink food thing writing animal
arrive     arrives      arrived     arriver   arrive arrive arrivons arrivent                 arriver   arrivé   être   nothing    -
leave      leaves       left        partir    pars part partons partent                       partir    parti    être   nothing    -
come       comes        came        venir     viens vient venons viennent                     viendr    venu     être   from_place -
go         goes         went        aller     vais va allons vont                             ir        allé     être   to_place   -
sleep      sleeps       slept       dormir    dors dort dormons dorment                       dormir    dormi    avoir  nothing    -
sing       sings        sang        chanter   chante chante chantons chantent                 chanter   chanté   avoir  nothing    -
live       lives        lived       habiter   habite habite habitons habitent                 habiter   habité   avoir  place      -
say        says         -           dire      dis dit disons disent                           dir       -        avoir  that       -
think      thinks       -           penser    pense pense pensons pensent                     penser    -        avoir  that       -
want       wants        -           vouloir   veux veut voulons veulent                       voudr     -        avoir  verb       -
can        can          -           pouvoir   peux peut pouvons peuvent                       pourr     -        avoir  verb       -
be         is           -           être      suis est sommes sont                            ser       -        avoir  be         -
miss       misses       -           manquer   manque manque manquons manquent                 manquer   -        avoir  miss       -
cost       costs        -           coûter    coûte coûte coûtons coûtent                     coûter    -        avoir  cost       -
"""  # noqa: E501


def _verb(line: str) -> Verb:
    words = line.split()
    en, en_s, en_past, infinitive, *present, stem, participle, auxiliary, pattern = words[:12]
    en, en_s, en_past = (word.replace("_", " ") for word in (en, en_s, en_past))
    future, kinds = tuple(stem + ending for ending in FUTURE_ENDINGS), tuple(words[12:])
    return Verb(en, en_s, en_past, infinitive, tuple(present), future, participle, auxiliary, pattern, kinds)


VERBS = {verb.en: verb for verb in map(_verb, TABLE.strip().splitlines())}
AUXILIARIES = {"avoir": VERBS["have"], "être": VERBS["be"]}
FREE = tuple(verb for verb in VERBS.values() if verb.participle != "-")  # those with all three tenses
STATES = ("love", "know", "have", "live")  # they last, so no clock goes with them
SOCIAL = ("eat", "arrive", "leave", "sing")  # one does them with or without somebody
DEFINITE = ("love", "know", "listen to", "wait for")  # their objects are known ones: the, my, this
