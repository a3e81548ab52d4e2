"""What tells names of people from other words: lists, and phrases before a name (English)."""

import re
from functools import cache
from importlib import resources

from trunkline.resources.redaction.passage import words_of

DOUBTFUL = words_of(
    "amber angel art ash asia aurora autumn barb bay bea beau bell belle berry bill blossom bob booker brandy brook buck "
    "bud buddy bunny burt candy cary case casey cash chan chance chase cherry chip christian clay cliff cole coral "
    "crystal daisy dale dan dawn dean destiny dick dixie dolly don dot drew dusty earl easter ebony eden faith fanny "
    "fern flo flora forest foster frank gale garland gay gene genesis ginger glen glory grace grant guy hank harmony "
    "harley hazel heath heather herb holly homer honey hope hunter iris ivory ivy jack jade jan jasmine jean jewel jim "
    "joy june junior justice kit lance lane laurel lily lin long lore lou loyal mac mack major mandy mark mason "
    "max may melody mercedes mercy merry mike miles misty moon nova olive paris parker pat patience pearl peg penny "
    "piper porter precious prince queen quincy rain randy raven ray reed rich river rob robin rocky rod roman rose "
    "rosemary ruby rusty sage sal sally sandy scarlet shell skip sky smith sonny star sterling stormy sue summer sunny "
    "terry tiffany tom trinity troy van venus victor viola violet wade walker ward wayne wes will willow windy winter "
    "woody young august april augusta lane page paige drew grant major"
)
"""First names that are other words too: they count with a capital inside a sentence, or where a name is awaited."""
NO_NAMES = words_of(
    "i i'm i'll i'd i've it's that's monday tuesday wednesday thursday friday saturday sunday january february march "
    "april may june july august september october november december english spanish french german italian american "
    "british chinese indian mexican canadian christmas easter thanksgiving internet google apple amazon visa mastercard "
    "god ok okay yes no hi hello thanks thank please sorry sure mr mrs ms miss dr sir madam ma'am the a an my your our "
    "new york texas california london paris berlin chicago boston am pm est pst uk us usa eu it we you he she they "
    "customer support sales service reception billing everyone everybody there"
)
STOPS = words_of(
    "a an and are as at be been but by can could do does for from go going good great had has have he her here him his "
    "how i if in is it its just let me my no not of off on or our out please she so some speaking calling that the "
    "their them then there they this to too up us was we were what when where which who why will with would yes yeah "
    "you your yours okay ok um uh er sorry sure thanks thank right well also about right spelled spell email phone "
    "number card address born date account new order today tomorrow now again all any because really very still "
    "hello hi hey mr mrs ms miss dr doctor professor said says called wants wanted needs did i'm i'll it's that's am "
    "back yesterday tonight later soon before after week morning evening afternoon earlier already please next "
    "name names first last full middle regarding first-time customer looking trying interested having"
)
PARTICLES = words_of("van von de del der den la le da di dos al bin ibn st mac mc o ter el")
BEFORE_DATES = words_of("in on by until since this next last of early late mid before after for from through")
SEASONS = words_of("may april june august summer winter autumn easter")
TITLES = words_of("mr mrs ms miss dr doctor professor prof mister missus sir madam detective officer judge")
COMPANY = words_of(
    "inc llc ltd bank clinic dental insurance airlines company corp corporation services service street avenue road "
    "hospital hotel school university restaurant plumbing motors energy group associates center centre team medical "
    "health solutions systems park city county lake mountain airport stadium savings financial realty logistics"
)
SURE = re.compile(
    r"\b(?:(?:first|last|middle|full|maiden|legal|given|family|second|real)?\s*name(?:'s|s)?(?: on (?:the|my) (?:card|account|"
    r"booking|reservation|order|policy))?(?: is| was|:| would be| should be|,)?(?: actually| spelled)?"
    r"|surname(?: is|'s|:)?|(?:they |you can |please |just )?call me|goes by|go by|under the name(?: of)?|in the name of"
    r"|under(?= [A-Z])|on behalf of|(?:speak|talk|speaking|talking|spoke|talked) (?:with|to)|ask(?:ed)? for|looking for"
    r"|my (?:husband|wife|son|daughter|mother|father|mom|dad|brother|sister|boss|friend|partner|colleague|manager|"
    r"assistant|doctor|neighbor|neighbour|fiance|landlord|lawyer)(?: is|'s name is|,)?"
    r"|card ?holder(?: name)?(?: is|:)?|attention(?: of)?|contact|signed by|delivered to|booked for|appointment for|"
    r"reservation for|table for|mr\.?|mrs\.?|ms\.?|miss|dr\.?|doctor|professor|prof\.?|mister|sir|lady)\s*$",
    re.IGNORECASE,
)
"""What stands right before a name."""
LIKELY = re.compile(
    r"(?:\b(?:this is|i'm|i am|it's|it is|here is|that's|that is|hi|hello|hey|dear|thanks|thank you|goodbye|bye|welcome"
    r"|morning|afternoon|evening|sorry|okay|yes|no|sure|perfect|great|well|with|by|for|from|tell|told|and|alright|"
    r"appreciate it|again|you're|you are|is this|am i speaking with|meet)|,)[,]?\s*$",
    re.IGNORECASE,
)
"""What often stands before a name, and as often before something else."""
ASKED = re.compile(
    r"\b(?:your|the|full|first|last|middle|maiden|whose|caller's|patient's|cardholder's|guest's)\s(?:\w+ )?name\b|"
    r"\bname (?:please|on|for|of)\b|\bname\?|who am i (?:speaking|talking)|who is this|who's calling|surname|spell",
    re.IGNORECASE,
)
NOT_ASKED = re.compile(
    r"\b(?:company|business|street|product|file|user|doctor's office|pet|model) name|address|e-?mail", re.I
)
LEAD_IN = words_of(
    "sure yes yeah yep okay ok of course it's it is that's that would be um uh hi hello well so i'm i am this my name "
    "the certainly absolutely no problem please first last full name's and er , . ! - spelled"
)
SPELLING = words_of("spell spelled spelt spelling spells name name's surname that's that letters last first")


@cache
def _listed(file: str) -> frozenset[str]:
    rows = resources.files(__package__).joinpath(file).read_text().splitlines()
    return frozenset(" ".join(row for row in rows if not row.startswith("#")).split())


def first_names() -> frozenset[str]:
    """In lower case."""
    return _listed("first_names.txt")


def surnames() -> frozenset[str]:
    """In lower case."""
    return _listed("surnames.txt")
