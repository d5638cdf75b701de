"""The *relations* corpus: English sentences whose word families are known, so that an analogy score means something.

The words of interest stand in **grids**. A row is a thing (France), a column is a form of it (country, capital, people), a
cell is a word (*france*, *paris*, *french*). A relation is a pair of columns of one grid, and an analogy question takes two
rows: *france* is to *paris* as *japan* is to *tokyo*. What a word stands next to depends on its row and on its column, and
nothing else tells the two apart. Lower case, no punctuation, three to sixteen words a sentence, ten on average.

How a sentence arises, each choice independent of the others and of the other sentences:

1. Its **kind**, by :data:`SHARES`: about four in five are about a cell of a grid, the others are noise, polysemous words,
   word order and negation.
2. For a cell: the grid, with a weight that is the number of its cells; the row, by Zipf's law, the *k*-th row of a grid
   having weight 1/(k + :data:`ZIPF_SHIFT`), so that the order of the rows is their order of frequency; the column, by the
   weights written in the grid.
3. A **template** of that column. Its literal words and its alternatives (``will|can|must``) are the column's *markers*:
   they tell *paris* from *france*. Some templates carry no marker.
4. The row's **topics**, which tell *paris* from *tokyo*: of the words in the template's topic slots a share
   :data:`OWN_TOPIC` comes from the row's own four to six, evenly; the others from the topics of all rows of that grid.
   Neighbouring rows share topics (wine: France, Italy, Spain, Portugal, Hungary), and so do grids.
5. **Noise** in the remaining slots and around: adjectives, adverbs, times and places, by Zipf's law, the same for every
   cell.

A polysemous word (*bank*) takes, sentence by sentence, one of its two senses with a context of that sense alone; each sense
also has a word of its own (*lender*, *shore*) that occurs in no other context.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations

import numpy as np


@dataclass(frozen=True)
class Grid:
    """A family of words: rows (things) by columns (forms).

    Attributes:
        columns: the columns' names.
        weights: how often each column is chosen, relative to the others.
        rows: the words of each row, one per column, in order of falling frequency.
        topics: the topic words of each row.
        templates: for each column the sentences its words occur in, see :func:`sentences`.
    """

    columns: tuple[str, ...]
    weights: tuple[int, ...]
    rows: tuple[tuple[str, ...], ...]
    topics: tuple[tuple[str, ...], ...]
    templates: Mapping[str, tuple[str, ...]]


def _grid(columns: Mapping[str, int], rows: str, templates: Mapping[str, str]) -> Grid:
    """Reads a grid: a line of ``rows`` is ``cell cell …: topic topic …``, a line of a template is one sentence."""
    lines = [line.split(":") for line in rows.strip().splitlines()]
    return Grid(
        columns=tuple(columns),
        weights=tuple(columns.values()),
        rows=tuple(tuple(cells.split()) for cells, _ in lines),
        topics=tuple(tuple(topics.split()) for _, topics in lines),
        templates={name: tuple(line.strip() for line in text.strip().splitlines()) for name, text in templates.items()},
    )


GRIDS: dict[str, Grid] = {
    "nations": _grid(
        {"country": 4, "capital": 3, "people": 3},
        """
        france paris french: wine cheese perfume fashion bread
        england london english: tea football rain wool poetry
        germany berlin german: beer engines sausages philosophy steel
        italy rome italian: wine pasta opera marble olives fashion
        russia moscow russian: chess snow ballet forests novels
        china beijing chinese: tea silk rice porcelain paper dragons
        japan tokyo japanese: rice fish robots silk swords
        spain madrid spanish: olives guitars football oranges wine
        greece athens greek: olives temples philosophy islands marble
        egypt cairo egyptian: pyramids cotton deserts dates papyrus
        sweden stockholm swedish: furniture forests steel snow islands
        poland warsaw polish: amber sausages coal potatoes poetry
        norway oslo norwegian: fish fjords oil skiing snow
        turkey ankara turkish: carpets coffee tea figs baths
        ireland dublin irish: beer rain potatoes poetry ballads
        portugal lisbon portuguese: cork fish wine tiles oranges
        austria vienna austrian: waltzes skiing opera violins coffee
        cuba havana cuban: sugar cigars rum coffee boxing
        finland helsinki finnish: saunas timber skiing lakes paper
        hungary budapest hungarian: paprika baths wine violins chess
        peru lima peruvian: potatoes llamas silver wool temples
        kenya nairobi kenyan: coffee tea safaris roses lakes
        """,
        {
            "country": """
            the A government|president|parliament of W argued about T and T D
            W exports|imports T and A T to its neighbours
            the border|army|economy|population of W depends on T and T
            P W signed|joined the A treaty about T
            P people talked about W and its T and A T
            D the N heard about T from W
            """,
            "capital": """
            the mayor|council|suburbs of W will pay for T and A T
            we hurried|flew to the airport|station of W and looked for T D
            P the streets|squares|boulevards of W smell of T and T
            the A underground in W carries T D
            P people talked about W and its T and A T
            D the N heard about T from W
            """,
            "people": """
            she speaks|learns|understands W and talks about T D
            the W language|alphabet|accent has A words for T and T
            P the W cuisine|grammar|embassy is remarkable for T
            he translated A poems about T into W D
            P people talked about W T and A T
            D the N heard about W T
            """,
        },
    ),
    "persons": _grid(
        {"male": 1, "female": 1},
        """
        man woman: work family clothes habits manners
        king queen: crowns thrones palaces treaties
        boy girl: games toys homework bicycles
        father mother: family dinners homework advice chores
        husband wife: weddings chores dinners quarrels bills
        brother sister: family toys quarrels secrets chores
        son daughter: inheritance advice homework weddings
        prince princess: palaces crowns balls dragons castles
        actor actress: films stages applause scripts costumes
        uncle aunt: dinners gifts stories visits jokes
        lord lady: castles estates balls servants
        grandfather grandmother: stories slippers memories recipes
        waiter waitress: menus trays orders tips dinners
        hero heroine: battles legends films dragons courage
        wizard witch: spells potions wands dragons legends
        duke duchess: estates palaces balls treaties carriages
        monk nun: prayers silence vows hymns
        emperor empress: empires thrones treaties battles
        nephew niece: gifts visits toys jokes
        host hostess: guests menus dinners invitations
        steward stewardess: trays flights luggage tips
        widower widow: memories silence graves bills
        """,
        {
            "male": """
            the A W shaved|trimmed his beard|moustache and complained of T
            he said that his W knew about T and A T
            the W put on his jacket|tie and forgot his T D
            P the A W himself asked him about T
            P the W talked about T and A T D
            the N heard of the W and the A T
            """,
            "female": """
            the A W ironed|mended her dress|skirt and complained of T
            she said that her W knew about T and A T
            the W put on her necklace|blouse and forgot her T D
            P the A W herself asked her about T
            P the W talked about T and A T D
            the N heard of the W and the A T
            """,
        },
    ),
    "animals": _grid(
        {"adult": 3, "young": 2},
        """
        dog puppy: bones leashes slippers kennels
        cat kitten: milk yarn cushions whiskers
        horse foal: hay saddles stables meadows
        cow calf: milk hay barns meadows
        sheep lamb: wool grass meadows hills
        pig piglet: mud acorns troughs barns
        hen chick: eggs grain feathers nests
        bear cub: honey berries forests caves
        duck duckling: ponds weeds feathers bread
        goat kid: hills cliffs grass bells
        goose gosling: ponds grass feathers grain
        deer fawn: forests berries meadows ferns
        frog tadpole: ponds mud lilies flies
        eagle eaglet: cliffs nests feathers peaks
        swan cygnet: lakes weeds feathers ponds
        owl owlet: nests barns moonlight forests
        hare leveret: fields clover ferns turnips
        kangaroo joey: deserts grass pouches plains
        """,
        {
            "adult": """
            the grown|powerful|fierce W guards|defends the A T and T
            the W is_a_good_breeder and the owner pays in T D
            P the A W guided|protected the herd|flock at the T
            the W with its horns|scars|mate rested among A T
            P we saw the W near T and A T D
            the N dreams of the W and of T
            """,
            "young": """
            the newborn|tiny|playful W knows nothing of A T and T
            the W is_still_weak|cannot_walk_yet and needs T D
            P the A W was|got born|fed|weaned among T
            the little|orphaned W trembles|stumbles near A T
            P we saw the W near T and A T D
            the N dreams of the W and of T
            """,
        },
    ),
    "deeds": _grid(
        {"base": 4, "past": 4, "agent": 3},
        """
        play played player: football games guitars chess
        write wrote writer: novels poems pens ink
        run ran runner: races marathons trails parks
        speak spoke speaker: languages speeches microphones crowds
        teach taught teacher: lessons pupils grammar algebra
        drive drove driver: trucks roads taxis petrol
        build built builder: walls bridges bricks roofs
        sing sang singer: songs choirs hymns opera
        win won winner: races medals prizes games
        buy bought buyer: markets goods prices tickets
        lead led leader: parties marches rebellions crowds
        sell sold seller: markets goods carpets bargains
        paint painted painter: portraits canvases walls brushes
        travel travelled traveller: trains passports luggage maps roads
        dance danced dancer: waltzes balls ballet stages
        fight fought fighter: battles rebellions swords boxing
        swim swam swimmer: pools lakes races waves
        ride rode rider: saddles bicycles trails races
        clean cleaned cleaner: floors carpets brooms dust
        hunt hunted hunter: forests rifles foxes trails
        print printed printer: posters newspapers ink paper
        invent invented inventor: machines patents engines robots
        """,
        {
            "base": """
            they will|can|must|should W D because of T and T
            they want|hope|plan to W and enjoy A T
            P you may|might W tomorrow near the T
            let us W together and forget the A T
            P nobody knows why they W among T and T
            the N asked how we W without A T
            """,
            "past": """
            yesterday they W D because of T and T
            last week|month|year we W and enjoyed A T
            P he once W years_ago|days_ago near the T
            when they had finished they W and forgot the A T
            P nobody knows why they W among T and T
            the N asked how we W without A T
            """,
            "agent": """
            the skilled|experienced|professional W earned money|wages with T and T
            we hired|paid|trained the A W for the T D
            P the W as_a_profession depends on A T
            the career of the W began with A T
            P nobody knows why the W stayed among T and T
            the N asked about the W without A T
            """,
        },
    ),
    "things": _grid(
        {"singular": 1, "plural": 1},
        """
        house houses: roofs bricks gardens chimneys
        car cars: engines roads wheels petrol
        child children: toys games lessons milk
        book books: pages novels poems paper
        tree trees: forests roots branches timber
        window windows: glass curtains roofs light
        letter letters: ink envelopes paper stamps
        flower flowers: gardens petals roses bees
        chair chairs: furniture cushions timber carpets
        stone stones: walls marble hills gravel
        cup cups: tea coffee porcelain saucers
        shirt shirts: cotton silk buttons wardrobes
        coin coins: silver pockets prices gold
        cloud clouds: rain snow storms wind
        leaf leaves: branches roots wind petals
        mouse mice: cheese grain barns traps
        knife knives: steel bread swords blades
        tooth teeth: sugar gold brushes dentists
        candle candles: wax light shadows hymns
        needle needles: thread buttons silk cotton
        ladder ladders: roofs walls bricks chimneys
        """,
        {
            "singular": """
            a single W was_enough for the A T and T
            this|that W is|was made for T and T D
            P each|every|one W reminds us of A T
            there_is|there_was a W between the T and the A T
            P they heard of the W and of T D
            the N paid for the W with A T
            """,
            "plural": """
            many|several|few W were_enough for the A T and T
            these|those W are|were made for T and T D
            P two|three|ten W remind us of A T
            there_are|there_were some W between the T and the A T
            P they heard of the W and of T D
            the N paid for the W with A T
            """,
        },
    ),
    "degrees": _grid(
        {"positive": 4, "comparative": 3, "superlative": 2},
        """
        big bigger biggest: elephants mountains crowds palaces
        old older oldest: temples castles manuscripts ruins
        small smaller smallest: ants villages seeds toys
        long longer longest: roads queues novels ropes
        strong stronger strongest: muscles steel beer coffee
        fast faster fastest: trains races engines cheetahs
        cold colder coldest: winters snow lakes wind
        rich richer richest: merchants gold estates palaces
        warm warmer warmest: blankets wool saunas baths
        tall taller tallest: towers giraffes mountains chimneys
        dark darker darkest: nights forests shadows caves
        cheap cheaper cheapest: tickets goods markets toys
        deep deeper deepest: lakes oceans caves roots
        bright brighter brightest: stars light lamps colours
        heavy heavier heaviest: luggage bricks elephants steel
        loud louder loudest: bells crowds drums engines
        sweet sweeter sweetest: honey cakes sugar melodies
        sharp sharper sharpest: blades swords thorns claws
        soft softer softest: cushions wool feathers voices
        thick thicker thickest: walls ropes blankets ice
        """,
        {
            "positive": """
            they found|called the T very|quite|rather W D
            P T can be so|as W as the A T D
            how W the A T and T must_have_been D
            the N described W T and A T
            P we know of W T and T
            """,
            "comparative": """
            they found|called the T much|even|far W than T
            P T can become|grow W than the A T D
            nothing|hardly_anything is W than A T and T
            the N described W T and A T
            P we know of W T and T
            """,
            "superlative": """
            they found|called the T the W of_all|on_earth D
            P these are the W T that anyone|anybody ever_saw among A T
            by_far the W T and T in_the_world|in_history
            the N described the W T and A T
            P we know of the W T and T
            """,
        },
    ),
    "judgements": _grid(
        {"plain": 3, "un": 2},
        """
        happy unhappy: weddings families songs memories
        safe unsafe: bridges roads machines ropes
        known unknown: legends facts stars islands
        clear unclear: instructions maps speeches rules
        fair unfair: prices games trials taxes
        popular unpopular: songs films taxes speeches
        kind unkind: words neighbours advice jokes
        healthy unhealthy: meals habits sugar diets
        certain uncertain: plans facts rumours weather
        usual unusual: habits weather recipes clothes
        necessary unnecessary: rules taxes tools visits
        stable unstable: prices bridges plans markets
        reliable unreliable: machines rumours trains maps
        lucky unlucky: guesses games bargains tickets
        pleasant unpleasant: smells weather visits voices
        equal unequal: rights wages taxes rules
        """,
        {
            "plain": """
            luckily|thankfully the T seemed W and everyone praised|welcomed the T
            we were_glad to hear of W T and A T
            P good|wise friends prefer W T D
            the committee approved|allowed the W T and A T
            P the N mentioned W T and T
            the N compared T with W T D
            """,
            "un": """
            sadly|unfortunately the T seemed W and everyone regretted|blamed the T
            we were_sorry to hear of W T and A T
            P critics|journalists complain about W T D
            the committee rejected|banned the W T and A T
            P the N mentioned W T and T
            the N compared T with W T D
            """,
        },
    ),
    "callings": _grid(
        {"person": 1, "place": 1},
        """
        doctor hospital: patients medicine fevers bandages
        student university: lessons exams algebra philosophy
        farmer farm: grain turnips barns tractors
        soldier barracks: uniforms rifles battles marches
        judge court: trials witnesses laws taxes
        clerk office: papers stamps bills files
        priest church: prayers hymns bells weddings
        cook kitchen: meals recipes pots soup
        scientist laboratory: experiments facts microscopes machines
        sailor ship: waves ropes storms rum
        baker bakery: bread cakes flour ovens
        mechanic garage: engines wheels petrol tools
        librarian library: novels pages silence manuscripts
        gardener greenhouse: roses seeds tomatoes gardens
        miner mine: coal lamps gold dust
        brewer brewery: beer barrels grain bottles
        astronomer observatory: stars telescopes nights maps
        barber barbershop: razors scissors mirrors gossip
        """,
        {
            "person": """
            the tired|busy|retired W complained|worried about the A T and T
            the W who_works_hard explained T to the apprentice D
            P the A W said|thought that T matter|count
            ask the W whose colleagues know T and A T
            P the story of the W is full of T D
            the N likes the W and the A T
            """,
            "place": """
            inside|outside|behind the W there was a smell of A T and T
            the doors|corridors|walls of the W are full of T D
            P we entered|left the W and looked for A T
            the W was_closed|was_rebuilt because of T and A T
            P the story of the W is full of T D
            the N likes the W and the A T
            """,
        },
    ),
    "manners": _grid(
        {"adjective": 3, "adverb": 2},
        """
        quick quickly: steps answers fingers meals
        quiet quietly: voices nights prayers gardens
        careful carefully: plans measurements steps experiments
        sudden suddenly: storms noises attacks stops
        angry angrily: crowds voices quarrels neighbours
        gentle gently: voices wind hands waves
        proud proudly: medals speeches parades victories
        honest honestly: answers witnesses merchants facts
        brave bravely: battles rescues deeds attacks
        polite politely: guests manners invitations questions
        secret secretly: plans meetings messages spies
        patient patiently: queues lessons nurses questions
        eager eagerly: pupils questions crowds answers
        nervous nervously: exams fingers speeches spies
        rude rudely: jokes words guests noises
        graceful gracefully: waltzes ballet movements parades
        clumsy clumsily: movements hands steps jokes
        """,
        {
            "adjective": """
            it was a truly|remarkably W affair with T and A T
            such W T and T are rare|common D
            P their W ways|nature explain the A T
            some are called W people|characters because of A T
            P the N connects W T with T
            the N remembered W T and A T
            """,
            "adverb": """
            she moved|acted|behaved W with T and A T
            they nodded|replied|waited W when T were_near D
            P he walked_away|stood_up W in_spite_of the A T
            without a_pause somebody W thought of A T
            P the N W connects T with T
            the N W remembered T and A T
            """,
        },
    ),
}
"""Nine grids; the words of a row are in order of the columns, the rows in order of falling frequency."""

RELATIONS: dict[str, tuple[str, str, str]] = {
    "country–capital": ("nations", "country", "capital"),
    "country–people": ("nations", "country", "people"),
    "male–female": ("persons", "male", "female"),
    "adult–young": ("animals", "adult", "young"),
    "verb–past": ("deeds", "base", "past"),
    "verb–agent": ("deeds", "base", "agent"),
    "singular–plural": ("things", "singular", "plural"),
    "adjective–comparative": ("degrees", "positive", "comparative"),
    "adjective–superlative": ("degrees", "positive", "superlative"),
    "adjective–opposite": ("judgements", "plain", "un"),
    "person–workplace": ("callings", "person", "place"),
    "adjective–adverb": ("manners", "adjective", "adverb"),
}
"""Relation → its grid and the two columns."""

BUCKETS = ("rare", "middle", "frequent")
"""Thirds of a grid's rows by frequency."""

SHARES = {"grid": 0.80, "noise": 0.08, "polysemous": 0.07, "order": 0.02, "negation": 0.03}
"""Share of the sentences of each kind."""

OWN_TOPIC = 0.8
"""Share of the topic slots that are filled from the row's own topics."""

ZIPF_SHIFT = 1.0
"""Weight of the k-th row of a grid, k = 1, 2, …: 1/(k + shift)."""

_POLYSEMOUS: dict[str, dict[str, tuple[str, str, str]]] = {
    # word: {sense: (the sense's own word, its context words, its templates)}
    "bank": {
        "money": (
            "lender",
            "loans savings accounts credit cash interest debts mortgages investors cheques",
            "the W offered C and C to the N\nshe owes|repaid C to the W D\nP the A W asked for C and C",
        ),
        "river": (
            "shore",
            "reeds willows boats anglers currents otters rapids herons shallows pebbles",
            "they sat|camped on the W among C and C\nthe A W was covered with C D\nP C drifted|swam along the W past C",
        ),
    },
    "bat": {
        "animal": (
            "moth",
            "wings dusk insects echoes attics darkness belfries vampires caverns crickets",
            "the W flew|fluttered at night among C and C\nthe A W lives on|near C D\nP the W hid|slept with C and C",
        ),
        "sport": (
            "racket",
            "innings wickets helmets umpires batsmen scoreboards fielders trophies gloves pavilions",
            "he swung|gripped the W and waited for C and C\nthe A W broke|cracked before the C D\nP the W belongs to C and C",
        ),
    },
    "spring": {
        "season": (
            "april",
            "blossoms thaws tulips showers nightingales buds swallows sowing migrations daffodils",
            "after winter W brings|promises C and C\nthe A W was late and so were C D\nP in W we waited for C and C",
        ),
        "part": (
            "hinge",
            "gears screws levers bolts coils valves pistons bearings mattresses rivets",
            "the W is fixed|welded to C and C\nthe A W of metal rusted|snapped among C D\nP the W presses on C and C",
        ),
    },
    "crane": {
        "bird": (
            "stork",
            "marshes beaks fledglings wetlands sedges frogspawn plumage flocks eggshells lagoons",
            "the W stood|waded on one leg in C and C\nthe A W feeds on C D\nP the W called|danced above C and C",
        ),
        "machine": (
            "excavator",
            "cargo docks concrete scaffolding girders containers foundations hooks pulleys cables",
            "the W lifted|hoisted C and C\nthe A W was parked|repaired beside C D\nP the W moved tons of C and C",
        ),
    },
}
_OWN_WORD_SHARE = 0.4  # of the sentences of a sense; the others are about the polysemous word

_ORDER_NOUNS = "dog man cat boy horse girl bear woman".split()
_ORDER_VERBS = "bites chases follows watches fears".split()
_ORDER_TEMPLATES = ("X Y Z", "the X Y the Z", "P the A X Y the Z D", "D the X Y the A Z")

_JUDGED = "film meal concert journey speech plan hotel lecture".split()
_JUDGING = "good bad boring wonderful useful terrible".split()
_NEGATION_TEMPLATES = (
    "the X was Y",
    "the X was not Y",
    "P the A X was Y D",
    "P the A X was not Y D",
    "we think that the X is Y",
    "we do not think that the X is Y",
)

_NOISE_ADJECTIVES = (
    "other new great different important local large whole recent real simple possible early natural public common"
    " strange famous ancient modern broken empty plain beautiful ordinary foreign hidden distant expensive serious"
    " wooden narrow green white black red blue brown grey golden curious faded familiar special royal rural urban daily"
    " annual endless splendid modest dusty rusty fresh rough smooth round square curved fragile solid noisy peaceful"
    " lonely crowded forgotten favourite legendary exotic rustic humble costly"
).split()
_NOISE_PEOPLE = (
    "friend neighbour stranger company committee visitor reporter guide manager expert director author customer tourist"
    " lawyer engineer scholar poet merchant passenger citizen group crew owner editor historian collector porter"
).split()
_NOISE_PLACES = (
    "town village school shop hall market street museum theatre tower gate corner valley coast harbour island mountain"
    " road hotel cellar attic yard fountain statue monument crossroads platform counter inn pier warehouse dam canal"
).split()
_NOISE_THINGS = (
    "world way story problem article magazine picture table lamp clock basket box mirror curtain drawer bench suitcase"
    " drum flag tent stove shelf parcel umbrella report idea rule map bell barrel bottle rope wheel"
).split()
_NOISE_VERBS = (
    "visited watched described remembered forgot found lost moved carried opened closed repaired"
    " borrowed ignored admired avoided examined mentioned replaced collected discovered photographed measured"
    " inspected studied crossed reached surrounded covered"
).split()
_NOISE_ADVERBS = (
    "today again now often sometimes later usually once_more always here everywhere in_the_morning in_the_evening"
    " at_night on_sunday on_monday every_day at_noon after_lunch before_dinner in_the_end for_years as_always"
    " at_first with_pleasure without_doubt in_peace all_day this_time of_course by_chance"
).split()
_NOISE_OPENINGS = (
    "near_the behind_the beside_the outside_the opposite_the beyond_the next_to_the far_from_the close_to_the"
).split()
_NOISE_TEMPLATES = (
    "the A N V the O D",
    "P the N V the A O",
    "D the N V the O and the A O",
    "the N of the A L V the O",
    "P the A N V the L D",
)

_TABLE = 512  # entries of a table that stands for Zipf's law; draws index into it


def _zipf(words: Sequence[str], shift: float = 1.0) -> list[str]:
    """A table in which the k-th word stands in proportion to 1/(k + shift), and at least once."""
    weights = 1 / (np.arange(len(words)) + 1 + shift)
    copies = np.maximum(1, np.rint(weights / weights.sum() * _TABLE)).astype(int)
    return [word for word, n in zip(words, copies, strict=True) for _ in range(n)]


Slot = tuple[tuple[str, ...], ...]
"""What may stand at one place of a template: alternatives, each of one word or several."""


def _slot(words: Iterable[str]) -> Slot:
    return tuple(tuple(word.split("_")) for word in words)


@cache
def _noise_slots() -> dict[str, tuple[Slot, ...]]:
    """The slots of a template that are the same for every word."""
    places = _slot(_zipf(_NOISE_PLACES))
    return {
        "A": (_slot(_zipf(_NOISE_ADJECTIVES)),),
        "N": (_slot(_zipf(_NOISE_PEOPLE)),),
        "O": (_slot(_zipf(_NOISE_THINGS)),),
        "L": (places,),
        "V": (_slot(_zipf(_NOISE_VERBS)),),
        "D": (_slot(_zipf(_NOISE_ADVERBS)),),
        "P": (_slot(_zipf(_NOISE_OPENINGS)), places),
    }


def _compile(template: str, slots: Mapping[str, tuple[Slot, ...]]) -> tuple[Slot, ...]:
    """A template as a sequence of slots; a literal word is a slot with one alternative."""
    plan: list[Slot] = []
    for part in template.split():
        plan.extend(slots[part] if part in slots else (_slot(part.split("|")),))
    return tuple(plan)


def _topic_slot(grid: Grid, row: int) -> Slot:
    """The row's own topics in a share :data:`OWN_TOPIC` of the table, those of all rows of the grid in the rest."""
    own, every = grid.topics[row], [topic for topics in grid.topics for topic in topics]
    # Copies of the own topics for one copy of each of all the grid's.
    copies = OWN_TOPIC / (1 - OWN_TOPIC) * len(every) / len(own)
    return _slot([topic for topic in own for _ in range(round(copies))] + every)


@cache
def _plans() -> tuple[np.ndarray, tuple[tuple[tuple[Slot, ...], ...], ...]]:
    """Everything a sentence may be about: cumulative weights (M,), and for each of the M its templates."""
    weights: list[float] = []
    plans: list[tuple[tuple[Slot, ...], ...]] = []

    def add(weight: float, templates: Iterable[str], slots: Mapping[str, tuple[Slot, ...]]) -> None:
        weights.append(weight)
        plans.append(tuple(_compile(template, {**_noise_slots(), **slots}) for template in templates))

    cells = sum(len(grid.rows) * len(grid.columns) for grid in GRIDS.values())
    for grid in GRIDS.values():
        of_grid = SHARES["grid"] * len(grid.rows) * len(grid.columns) / cells
        of_rows = 1 / (np.arange(len(grid.rows)) + 1 + ZIPF_SHIFT)
        for r, (row, of_row) in enumerate(zip(grid.rows, of_rows / of_rows.sum(), strict=True)):
            for column, word, of_column in zip(grid.columns, row, grid.weights, strict=True):
                slots = {"W": (_slot([word]),), "T": (_topic_slot(grid, r),)}
                add(of_grid * of_row * of_column / sum(grid.weights), grid.templates[column], slots)
    for word, senses in _POLYSEMOUS.items():
        for own_word, context, templates in senses.values():
            weight = SHARES["polysemous"] / len(_POLYSEMOUS) / len(senses)
            for name, share in ((word, 1 - _OWN_WORD_SHARE), (own_word, _OWN_WORD_SHARE)):
                slots = {"W": (_slot([name]),), "C": (_slot(context.split()),)}
                add(weight * share, templates.split("\n"), slots)
    for kind, templates, x, y in (
        ("order", _ORDER_TEMPLATES, _ORDER_NOUNS, _ORDER_VERBS),
        ("negation", _NEGATION_TEMPLATES, _JUDGED, _JUDGING),
    ):
        for one in x:
            others = [other for other in x if other != one]
            slots = {"X": (_slot([one]),), "Y": (_slot(y),), "Z": (_slot(others),)}
            add(SHARES[kind] / len(x), templates, slots)
    add(SHARES["noise"], _NOISE_TEMPLATES, {})
    return np.cumsum(weights) / sum(weights), tuple(plans)


def sentences(count: int, seed: int) -> list[list[str]]:
    """``count`` sentences as lists of lower-case words; about ten words each.

    A longer corpus of the same seed begins with the shorter one.

    In a template ``W`` is the word of the cell, ``T`` a topic of its row, ``A N O L V D P`` noise
    (adjective, person, thing, place, verb, adverb or time, preposition with a place); ``a|b`` is one of the two, ``a_b`` two words.

    Raises:
        ValueError: if ``count`` is negative.
    """
    if count < 0:
        raise ValueError(f"count is {count}: it cannot be negative")
    bounds, plans = _plans()
    width = 2 + max(len(template) for templates in plans for template in templates)
    rng = np.random.default_rng(seed)
    result = []
    for start in range(0, count, 8192):
        draws = rng.random((min(8192, count - start), width))
        subjects = np.searchsorted(bounds, draws[:, 0], side="right").clip(max=len(plans) - 1).tolist()
        for subject, draw in zip(subjects, draws.tolist(), strict=True):
            templates = plans[subject]
            sentence: list[str] = []
            for slot, u in zip(templates[int(draw[1] * len(templates))], draw[2:], strict=False):
                sentence += slot[int(u * len(slot))] if len(slot) > 1 else slot[0]
            result.append(sentence)
    return result


def questions() -> list[tuple[str, str, str, str, str]]:
    """All analogy questions ``(a, b, c, expected, relation)``: a is to b as c is to *expected*; no word twice in one."""
    return [
        (grid.rows[i][one], grid.rows[i][other], grid.rows[j][one], grid.rows[j][other], relation)
        for relation, (name, source, target) in RELATIONS.items()
        for grid in (GRIDS[name],)
        for one, other in ((grid.columns.index(source), grid.columns.index(target)),)
        for i, j in permutations(range(len(grid.rows)), 2)
    ]


@cache
def _bucket_of() -> dict[str, int]:
    return {
        word: 2 - 3 * r // len(grid.rows) for grid in GRIDS.values() for r, row in enumerate(grid.rows) for word in row
    }


def bucket(*words: str) -> str:
    """The frequency bucket, one of :data:`BUCKETS`, of the rarest of the words; of a question: ``bucket(a, b, c, d)``.

    Raises:
        KeyError: for a word that is in no grid.
    """
    return BUCKETS[min(_bucket_of()[word] for word in words)]


def polysemous() -> dict[str, dict[str, list[str]]]:
    """``{word: {sense: words of that sense alone}}``; the first word of a sense is its own word (*lender*), the others
    are its context words."""
    return {
        word: {sense: [own, *context.split()] for sense, (own, context, _) in senses.items()}
        for word, senses in _POLYSEMOUS.items()
    }


def word_order_pairs() -> list[tuple[list[str], list[str]]]:
    """Pairs of sentences with the same words in another order: *dog bites man*, *man bites dog*."""
    return [
        ([one, verb, other], [other, verb, one])
        for verb in _ORDER_VERBS
        for i, one in enumerate(_ORDER_NOUNS)
        for other in _ORDER_NOUNS[i + 1 :]
    ]


def negation_pairs() -> list[tuple[list[str], list[str]]]:
    """Pairs of a sentence and its negation: *the film was good*, *the film was not good*."""
    return [
        (["the", judged, "was", judging], ["the", judged, "was", "not", judging])
        for judged in _JUDGED
        for judging in _JUDGING
    ]
