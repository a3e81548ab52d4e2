"""The agent's stock phrases where its settings say nothing, by language. Other languages get the English ones."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Phrases:
    """What each is said for stands at the member of `Profile` of the same name."""

    hello: str
    consent_message: str
    reminder_message: str
    closing: str
    apology: str
    farewell_on_fault: str
    you_have_a_call: str
    """To a person who is handed a call …"""
    will_you_take_it: str
    """… and may decline it."""
    fillers: tuple[str, ...]


ENGLISH = Phrases(
    hello="Hello, how can I help you?",
    consent_message="This call may be recorded. Is that all right with you?",
    reminder_message="Are you still there?",
    closing="Goodbye.",
    apology="I am sorry, I did not manage that. Could you say it again?",
    farewell_on_fault="I am sorry, I cannot help right now. Please call again later.",
    you_have_a_call="You have a call.",
    will_you_take_it="Do you take it? Say yes or press 1, say no or press 2.",
    fillers=("Um, let me see.", "Hmm, one moment.", "Well, let me think."),
)
_PHRASES = {
    "en": ENGLISH,
    "de": Phrases(
        hello="Guten Tag, wie kann ich Ihnen helfen?",
        consent_message="Dieses Gespräch kann aufgezeichnet werden. Ist das für Sie in Ordnung?",
        reminder_message="Sind Sie noch da?",
        closing="Auf Wiederhören.",
        apology="Entschuldigung, das ist mir nicht gelungen. Können Sie es noch einmal sagen?",
        farewell_on_fault="Es tut mir leid, ich kann gerade nicht helfen. Bitte rufen Sie später noch einmal an.",
        you_have_a_call="Ich habe einen Anruf für Sie.",
        will_you_take_it="Nehmen Sie ihn an? Sagen Sie Ja oder drücken Sie die 1, sagen Sie Nein oder drücken Sie die 2.",
        fillers=("Ähm, ich schaue nach.", "Hm, einen Moment.", "Also, lassen Sie mich überlegen."),
    ),
    "fr": Phrases(
        hello="Bonjour, comment puis-je vous aider ?",
        consent_message="Cet appel peut être enregistré. Êtes-vous d'accord ?",
        reminder_message="Vous êtes toujours là ?",
        closing="Au revoir.",
        apology="Excusez-moi, je n'ai pas réussi. Pouvez-vous répéter ?",
        farewell_on_fault="Je suis désolé, je ne peux pas vous aider maintenant. Rappelez plus tard, s'il vous plaît.",
        you_have_a_call="J'ai un appel pour vous.",
        will_you_take_it="Le prenez-vous ? Dites oui ou appuyez sur 1, dites non ou appuyez sur 2.",
        fillers=("Euh, voyons voir.", "Hum, un instant.", "Alors, laissez-moi réfléchir."),
    ),
    "es": Phrases(
        hello="Hola, ¿en qué puedo ayudarle?",
        consent_message="Esta llamada puede ser grabada. ¿Está de acuerdo?",
        reminder_message="¿Sigue ahí?",
        closing="Adiós.",
        apology="Lo siento, no lo he conseguido. ¿Puede repetirlo?",
        farewell_on_fault="Lo siento, ahora no puedo ayudarle. Por favor, llame más tarde.",
        you_have_a_call="Tengo una llamada para usted.",
        will_you_take_it="¿La acepta? Diga sí o pulse 1, diga no o pulse 2.",
        fillers=("Eh, déjeme ver.", "Mmm, un momento.", "Bueno, déjeme pensar."),
    ),
    "it": Phrases(
        hello="Buongiorno, come posso aiutarla?",
        consent_message="Questa chiamata può essere registrata. È d'accordo?",
        reminder_message="È ancora in linea?",
        closing="Arrivederci.",
        apology="Mi scusi, non ci sono riuscito. Può ripetere?",
        farewell_on_fault="Mi dispiace, ora non posso aiutarla. La prego di richiamare più tardi.",
        you_have_a_call="Ho una chiamata per lei.",
        will_you_take_it="La accetta? Dica sì o prema 1, dica no o prema 2.",
        fillers=("Ehm, vediamo.", "Mmm, un momento.", "Allora, mi faccia pensare."),
    ),
    "pt": Phrases(
        hello="Olá, como posso ajudar?",
        consent_message="Esta chamada pode ser gravada. Está de acordo?",
        reminder_message="Ainda está aí?",
        closing="Até logo.",
        apology="Desculpe, não consegui. Pode repetir?",
        farewell_on_fault="Desculpe, não posso ajudar agora. Por favor, ligue mais tarde.",
        you_have_a_call="Tenho uma chamada para você.",
        will_you_take_it="Aceita? Diga sim ou tecle 1, diga não ou tecle 2.",
        fillers=("Hum, deixe-me ver.", "Hum, um momento.", "Bem, deixe-me pensar."),
    ),
    "nl": Phrases(
        hello="Goedendag, waarmee kan ik u helpen?",
        consent_message="Dit gesprek kan worden opgenomen. Vindt u dat goed?",
        reminder_message="Bent u er nog?",
        closing="Tot ziens.",
        apology="Sorry, dat is niet gelukt. Kunt u het nog eens zeggen?",
        farewell_on_fault="Het spijt me, ik kan nu niet helpen. Belt u later nog eens.",
        you_have_a_call="Ik heb een gesprek voor u.",
        will_you_take_it="Neemt u het aan? Zeg ja of druk op 1, zeg nee of druk op 2.",
        fillers=("Eh, even kijken.", "Hm, een moment.", "Nou, laat me even denken."),
    ),
}


def phrases_of(language: str) -> Phrases:
    """The phrases of a language code such as `de-AT`."""
    return _PHRASES.get(language.partition("-")[0].lower(), ENGLISH)
