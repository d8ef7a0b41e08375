"""A reader of the toy French that knows words and rules by itself, not from the grammar whose sentences it checks."""

import re
import unicodedata

M = """homme garçon héros ami professeur médecin enfant frère chien chat cheval oiseau pain fromage œuf
gâteau haricot chapeau parapluie livre journal hôtel hôpital jardin marché loir an jour"""
F = """femme fille reine actrice tante infirmière sœur viande soupe eau pomme voiture clé robe montre
lettre histoire maison ville école église gare table tête heure"""
PLURALS = {"cheval": "chevaux", "oiseau": "oiseaux", "gâteau": "gâteaux", "chapeau": "chapeaux", "héros": "héros"}
PLURALS |= {"journal": "journaux", "hôpital": "hôpitaux"}
NOUNS = {}  # form: the (gender, number) it can have
for gender, table in (("m", M), ("f", F)):
    for noun in table.split():
        NOUNS.setdefault(noun, set()).add((gender, "s"))
        NOUNS.setdefault(PLURALS.get(noun, noun + "s"), set()).add((gender, "p"))
NOUNS["yeux"] = {("m", "p")}

BEFORE = """grand grande grands grandes, petit petite petits petites, bon bonne bons bonnes, beau belle beaux belles,
vieux vieille vieux vieilles, nouveau nouvelle nouveaux nouvelles, jeune jeune jeunes jeunes"""
AFTER = """rouge rouge rouges rouges, bleu bleue bleus bleues, blanc blanche blancs blanches, noir noire noirs noires,
cher chère chers chères, frais fraîche frais fraîches, froid froide froids froides, chaud chaude chauds chaudes,
heureux heureuse heureux heureuses, triste triste tristes tristes, riche riche riches riches,
célèbre célèbre célèbres célèbres, fatigué fatiguée fatigués fatiguées,
intelligent intelligente intelligents intelligentes"""
SHAPES = (("m", "s"), ("f", "s"), ("m", "p"), ("f", "p"))


def read_adjectives(table):
    """Return what each form agrees with."""
    forms = {}
    for row in table.split(","):
        for form, shape in zip(row.split(), SHAPES):
            forms.setdefault(form, set()).add(shape)
    return forms


BEFORE, AFTER = read_adjectives(BEFORE), read_adjectives(AFTER)
VOWEL_FORMS = {"bel": "beau", "vieil": "vieux", "nouvel": "nouveau", "cet": "ce"}  # masculine, only before a vowel
BEFORE |= {form: {("m", "s")} for form in ("bel", "vieil", "nouvel")}

ANY_S, ANY_P = {("m", "s"), ("f", "s")}, {("m", "p"), ("f", "p")}
DETERMINERS = {"l'": ANY_S, "notre": ANY_S, "leur": ANY_S, "chaque": ANY_S, "de": ANY_S | ANY_P, "d'": ANY_S | ANY_P}
DETERMINERS |= {word: {("m", "s")} for word in ("le", "un", "ce", "cet", "du", "au")}
DETERMINERS |= {word: {("f", "s")} for word in ("la", "une", "cette", "ma", "sa")}
DETERMINERS |= {word: ANY_S for word in ("mon", "son")}
DETERMINERS |= {word: ANY_P for word in ("les", "des", "ces", "mes", "ses", "nos", "leurs", "aux")}
NUMBERS = """deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit
dix-neuf vingt vingt-deux vingt-trois vingt-quatre vingt-cinq vingt-six vingt-sept vingt-huit vingt-neuf
trente""".split()
DETERMINERS |= {word: ANY_P for word in NUMBERS}
DETERMINERS |= {"vingt-et-un": {("m", "p")}, "trente-et-un": {("m", "p")}}
DETERMINERS |= {"vingt-et-une": {("f", "p")}, "trente-et-une": {("f", "p")}}
JOBS = {"médecin", "médecins", "professeur", "professeurs"}  # without an article after être

# je, il, nous, ils
PRESENT = """suis est sommes sont, ai a avons ont, vois voit voyons voient, mange mange mangeons mangent,
achète achète achetons achètent, aime aime aimons aiment, cherche cherche cherchons cherchent,
trouve trouve trouvons trouvent, connais connaît connaissons connaissent, écoute écoute écoutons écoutent,
attends attend attendons attendent, choisis choisit choisissons choisissent, écris écrit écrivons écrivent,
parle parle parlons parlent, donne donne donnons donnent, arrive arrive arrivons arrivent, pars part partons partent,
viens vient venons viennent, vais va allons vont, dors dort dormons dorment, chante chante chantons chantent,
habite habite habitons habitent, dis dit disons disent, pense pense pensons pensent, veux veut voulons veulent,
peux peut pouvons peuvent, - manque - manquent, - coûte - coûtent, - pleut - -, - neige - -, - fait - -"""
STEMS = """ser aur verr manger achèter aimer chercher trouver connaîtr écouter attendr choisir écrir parler donner
arriver partir viendr ir dormir chanter habiter pleuvr neiger fer""".split()
PERSONS = {}  # finite form: the persons it can have, 0 to 3
for row in PRESENT.split(","):
    for person, form in enumerate(row.split()):
        PERSONS.setdefault(form, set()).add(person)
for stem in STEMS:
    for person, ending in enumerate(("ai", "a", "ons", "ont")):
        PERSONS.setdefault(stem + ending, set()).add(person)

PARTICIPLES = """vu mangé acheté aimé cherché trouvé connu écouté attendu choisi écrit parlé donné dormi chanté habité
plu neigé arrivé parti venu allé""".split()
MOVEMENT = ("arrivé", "parti", "venu", "allé")  # these take être
ENDINGS = {"": ("m", "s"), "e": ("f", "s"), "s": ("m", "p"), "es": ("f", "p")}
SHAPE_OF = {word + ending: (word, shape) for word in PARTICIPLES for ending, shape in ENDINGS.items()}

ELIDE = {"le", "la", "je", "me", "ne", "de", "que", "ce", "ma", "sa"}
ELIDED = {"l'", "j'", "m'", "n'", "d'", "qu'", "c'"}
HARD = {"héros", "haricot", "haricots", "huit", "onze"}
CLITICS = {"me", "m'", "le", "la", "l'", "les", "nous", "lui", "leur", "y", "en"}
SUBJECTS = {"je": (0, ("m", "s")), "j'": (0, ("m", "s")), "il": (1, ("m", "s")), "elle": (1, ("f", "s"))}
SUBJECTS |= {"nous": (2, ("m", "p")), "ils": (3, ("m", "p")), "qui": (1, ("m", "s")), "c'": (1, ("m", "s"))}
BETWEEN = {"pas", "jamais", "plus", "souvent", "toujours"}


def vowel(word):
    """Whether a word is heard to begin with a vowel."""
    return word not in HARD and unicodedata.normalize("NFD", word.replace("œ", "oe"))[0] in "aeiouyh"


def faults(english, french):
    """Return what is wrong with a French sentence of the toy grammar, as a list of complaints."""
    words = french.split(" ")
    wrong = []
    if french != unicodedata.normalize("NFC", french).lower() or "" in words:
        wrong.append("spelling of the text")
    wrong += spelling_faults(words)
    wrong += noun_faults(words)
    wrong += preposition_faults(words)
    for clause in re.split(r" (?:mais|parce) ", re.sub(r"\b(di\w+|pens\w+) qu[e'] ", r"\1 mais ", french)):
        ne, pas = re.search(r"(^| )n[e'] ", clause), re.search(r" (pas|jamais)( |$)", clause)
        if ne and not pas and " plus" not in clause:
            wrong.append(f"ne without pas: {clause}")
        if pas and not ne:
            wrong.append(f"pas without ne: {clause}")
        if re.search(r" (pas|jamais) (un|une) ", clause):
            wrong.append(f"un after a negation: {clause}")
    return wrong + verb_faults(english.split(), words)


def spelling_faults(words):
    """Return faults of elision and contraction."""
    wrong = []
    for word, following in zip(words, [*words[1:], "?"]):
        if word in ELIDE and vowel(following):
            wrong.append(f"{word} before a vowel: {following}")
        if word in ELIDED | set(VOWEL_FORMS) and not vowel(following):
            wrong.append(f"{word} before a consonant: {following}")
        if word in ("beau", "vieux", "nouveau") and NOUNS.get(following) == {("m", "s")} and vowel(following):
            wrong.append(f"{word} before a vowel: {following}")
        if word in ("de", "à") and following in ("le", "les"):
            wrong.append(f"{word} {following} not contracted")
    return wrong


def noun_faults(words):
    """Return faults of agreement and order in noun phrases."""
    wrong = []
    for i, noun in enumerate(words):
        if noun not in NOUNS:
            continue
        shapes, start = set(NOUNS[noun]), i
        while start and words[start - 1] in BEFORE:
            start -= 1
            shapes &= BEFORE[words[start]]
        determiner = words[start - 1] if start else ""
        said = " ".join(words[max(start - 1, 0) : i + 2])
        if determiner in DETERMINERS:
            shapes &= DETERMINERS[determiner]
        elif not (noun in JOBS and start == i) and noun not in ("heure", "heures"):
            wrong.append(f"no determiner: {said}")
        following = words[i + 1] if i + 1 < len(words) else ""
        if noun in ("pomme", "pommes") and following == "de":
            following = words[i + 3] if i + 3 < len(words) else ""
        if following in AFTER:
            shapes &= AFTER[following]
        if following in BEFORE:
            wrong.append(f"adjective after its noun: {said}")
        if start and words[start - 1] in AFTER and words[start - 1] not in DETERMINERS:
            wrong.append(f"adjective before its noun: {said}")
        if not shapes:
            wrong.append(f"no agreement: {said}")
        if determiner in ("mon", "son") and NOUNS[noun] & {("f", "s")} and not vowel(words[start]):
            wrong.append(f"{determiner} before a feminine: {said}")
        with_de = re.search(r"parl|près|besoin|peur|ven|vien", " ".join(words[:start]))
        if determiner == "des" and start < i and not with_de:
            wrong.append(f"des before an adjective: {said}")
    return wrong


def subject_at(words, i):
    """Read a subject at word i; return its person, what agrees with it and where it ends, or None."""
    if words[i] in SUBJECTS:
        return (*SUBJECTS[words[i]], i + 1)
    if words[i] not in DETERMINERS:
        return None
    end = i + 1
    while end < len(words) and words[end] in BEFORE:
        end += 1
    if end == len(words) or words[end] not in NOUNS:
        return None
    shapes = NOUNS[words[end]] & DETERMINERS[words[i]]
    for word in words[i + 1 : end]:
        shapes = shapes & BEFORE[word]
    end += 3 if words[end + 1 : end + 3] == ["de", "terre"] else 1
    if end < len(words) and words[end] in AFTER:
        shapes, end = shapes & AFTER[words[end]], end + 1
    if len(shapes) != 1:
        return None
    (shape,) = shapes
    if words[end : end + 1] == ["et"] and (other := subject_at(words, end + 1)):
        gender = "f" if shape[0] == other[1][0] == "f" else "m"
        return 3, (gender, "p"), other[2]
    return (1 if shape[1] == "s" else 3), shape, end


def preposition_faults(words):
    """Return where à stands before the first of two people only."""
    wrong = []
    for i, word in enumerate(words):
        if word in ("à", "au", "aux"):
            _, _, end = subject_at(words, i + (word == "à")) or (None, None, i)
            people = words[i:end]
            if "et" in people and people[people.index("et") + 1] not in ("au", "aux"):
                wrong.append(f"à not repeated: {' '.join(people)}")
    return wrong


def verb_faults(english, words):
    """Return faults of agreement between subjects and verbs, and of participles and predicates."""
    starts = [0]
    for i, word in enumerate(words):
        if word in ("est-ce", "dit", "dis", "disons", "disent", "pense", "pensons", "pensent", "parce"):
            after = next((j for j in (i + 1, i + 2) if words[j : j + 1] and words[j] in ("que", "qu'")), None)
            starts += [] if after is None else [after + 1]
        if word == "mais":
            starts.append(i + 1)
    if "est-ce" in words or words[0] in ("où", "quelle"):
        starts.remove(0)  # what stands before est-ce que is no subject
    wrong = [] if starts or words[0] in ("où", "quelle") else ["no clause"]
    for start in starts:
        found = subject_at(words, start)
        if found is None:
            wrong.append(f"no subject: {' '.join(words[start:])}")
            continue
        person, shape, i = found
        clitics = []
        while words[i] in CLITICS or words[i] in ("ne", "n'"):
            clitics.append(words[i])
            i += 1
        verb = words[i]
        if person not in PERSONS.get(verb, ()):
            wrong.append(f"the verb does not agree: {' '.join(words[start : i + 1])}")
        rest = [word for word in words[i + 1 : i + 3] if word not in BETWEEN][:1]
        said = " ".join(words[start : i + 3])
        if not rest:
            continue
        if rest[0] in SHAPE_OF:
            word, agrees = SHAPE_OF[rest[0]]
            etre = verb in ("suis", "est", "sommes", "sont")
            if etre != (word in MOVEMENT):
                wrong.append(f"the wrong auxiliary: {said}")
            wanted = shape if etre else wanted_by(clitics, english)
            if agrees != wanted:
                wrong.append(f"the participle does not agree: {said}")
        elif verb in ("suis", "est", "sommes", "sont", "serai", "sera", "serons", "seront"):
            predicate = next((w for w in words[i + 1 : i + 4] if w not in BETWEEN | {"aussi"}), "")
            known = BEFORE.get(predicate, set()) | AFTER.get(predicate, set())
            if known and shape not in known:
                wrong.append(f"the predicate does not agree: {said}")
    return wrong


def wanted_by(clitics, english):
    """Return what a participle after avoir agrees with: a direct object before it, masculine singular without one."""
    if "les" in clitics:
        return "m", "p"
    if "nous" in clitics:
        return ("m", "s") if dative("us", english) else ("m", "p")
    if "l'" in clitics:
        return ("m", "s") if "him" in english else ("f", "s")
    return "m", "s"


def dative(pronoun, english):
    """Whether an English pronoun stands after to, as in `gave the key to us`; listen to us is no such case."""
    return any(
        a == "to" and b == pronoun and c not in ("listen", "listened")
        for c, a, b in zip(english, english[1:], english[2:])
    )
