# ruff: noqa: RUF001
"""
What mail programs write around an answer, by language: tables only.

Phrases are in lower case. To teach the gateway another language, add a row.
"""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class ClientPhrases:
    """
    @ivar wrote: what an attribution line says (C{On ... Joe wrote:}).
    @ivar opens: how one begins, where a word stands there that no name or date is.
    @ivar original: titles between dashes, above the mail that is answered.
    @ivar forwarded: likewise, above a mail that is passed on.
    @ivar author: names of the header that a program repeats above a quote, by
        what they say; likewise C{sent}, C{to} and C{subject}.
    @ivar sent_from: a line that a program adds; C{*} stands for anything, and
        somewhere in it must be the name of one of L{DEVICES}.
    @ivar closings: how a letter ends, before the name.
    @ivar answer: marks that programs put before the subject of an answer, or of
        a mail that is passed on.
    """

    code: str
    wrote: tuple[str, ...]
    opens: tuple[str, ...] = ()
    original: tuple[str, ...]
    forwarded: tuple[str, ...]
    author: tuple[str, ...]
    sent: tuple[str, ...]
    to: tuple[str, ...]
    subject: tuple[str, ...]
    sent_from: tuple[str, ...]
    closings: tuple[str, ...]
    answer: tuple[str, ...]


ENGLISH = ClientPhrases(
    code="en",
    wrote=("wrote", "writes"),
    opens=("on",),
    original=("original message", "original email", "reply message"),
    forwarded=("forwarded message", "begin forwarded message"),
    author=("from",),
    sent=("sent", "date"),
    to=("to", "cc"),
    subject=("subject",),
    sent_from=(
        "sent from *",
        "sent via *",
        "sent with *",
        "sent using *",
        "get outlook for *",
        "download outlook for *",
    ),
    closings=(
        "best regards",
        "kind regards",
        "warm regards",
        "regards",
        "best wishes",
        "best",
        "cheers",
        "thanks",
        "thank you",
        "many thanks",
        "yours sincerely",
        "sincerely",
    ),
    answer=("re", "fw", "fwd"),
)

HUNGARIAN = ClientPhrases(
    code="hu",
    wrote=("ezt írta", "írta", "írja"),
    original=("eredeti üzenet", "eredeti levél"),
    forwarded=("továbbított üzenet", "továbbított levél", "forwarded message"),
    author=("feladó", "küldő", "from"),
    sent=("küldve", "elküldve", "dátum", "küldés dátuma"),
    to=("címzett", "címzettek", "másolatot kap", "másolat"),
    subject=("tárgy",),
    sent_from=(
        "*ról küldve",
        "*ről küldve",
        "*ból küldve",
        "*ből küldve",
        "*lal küldve",
        "*lel küldve",
        "*ról elküldve",
        "*ről elküldve",
        "*ból elküldve",
        "*ből elküldve",
        "küldve *ról",
        "küldve *ről",
        "küldve *ból",
        "küldve *ből",
        "küldve *val",
        "küldve *vel",
        "elküldve *ról",
        "elküldve *ről",
        "elküldve *ból",
        "elküldve *ből",
        "outlook * beszerzése*",
        "az outlook * beszerzése*",
        "outlook * letöltése*",
        "az outlook * letöltése*",
    ),
    closings=(
        "üdv",
        "üdvözlettel",
        "szívélyes üdvözlettel",
        "baráti üdvözlettel",
        "tisztelettel",
        "köszönettel",
        "köszönöm",
        "köszi",
        "szia",
        "puszi",
    ),
    answer=("vá", "válasz", "vál", "továbbítva", "továbbítás", "tov"),
)

GERMAN = ClientPhrases(
    code="de",
    wrote=("schrieb", "hat geschrieben"),
    opens=("am",),
    original=("ursprüngliche nachricht", "originalnachricht", "original-nachricht"),
    forwarded=("weitergeleitete nachricht", "anfang der weitergeleiteten nachricht"),
    author=("von",),
    sent=("gesendet", "datum"),
    to=("an", "cc", "kopie"),
    subject=("betreff",),
    sent_from=(
        "von mein* gesendet",
        "von * aus gesendet",
        "gesendet von *",
        "gesendet mit *",
        "gesendet aus *",
        "gesendet über *",
        "diese nachricht wurde * gesendet",
        "outlook für *",
        "holen sie sich outlook für *",
        "laden sie outlook für *",
    ),
    closings=(
        "mit freundlichen grüßen",
        "mit freundlichen grüssen",
        "freundliche grüße",
        "viele grüße",
        "liebe grüße",
        "beste grüße",
        "schöne grüße",
        "grüße",
        "gruß",
        "mfg",
        "vg",
        "lg",
        "danke",
        "vielen dank",
    ),
    answer=("aw", "antw", "wg"),
)

FRENCH = ClientPhrases(
    code="fr",
    wrote=("a écrit",),
    opens=("le",),
    original=("message d'origine", "message d’origine", "message original"),
    forwarded=("message transféré", "début du message réexpédié", "message transmis"),
    author=("de",),
    sent=("envoyé", "date"),
    to=("à", "cc", "destinataire"),
    subject=("objet", "sujet"),
    sent_from=(
        "envoyé de *",
        "envoyé depuis *",
        "envoyé à partir de *",
        "envoyé à partir d'*",
        "envoyé avec *",
        "envoyé via *",
        "télécharger outlook *",
        "obtenir outlook *",
        "obtenez outlook *",
    ),
    closings=(
        "cordialement",
        "bien cordialement",
        "bien à vous",
        "salutations",
        "bonne journée",
        "merci",
        "à bientôt",
        "amicalement",
        "bises",
    ),
    answer=("ré", "tr", "ref"),
)

SPANISH = ClientPhrases(
    code="es",
    wrote=("escribió", "ha escrito"),
    opens=("el",),
    original=("mensaje original", "mensaje de origen"),
    forwarded=("mensaje reenviado", "forwarded message", "inicio del mensaje reenviado"),
    author=("de",),
    sent=("enviado", "enviado el", "fecha"),
    to=("para", "cc"),
    subject=("asunto",),
    sent_from=(
        "enviado desde *",
        "enviado con *",
        "enviado a través de *",
        "obtener outlook *",
        "obtenga outlook *",
        "descargar outlook *",
    ),
    closings=(
        "saludos",
        "un saludo",
        "saludos cordiales",
        "atentamente",
        "gracias",
        "muchas gracias",
        "un abrazo",
        "cordialmente",
    ),
    answer=("rv", "rsp"),
)

ITALIAN = ClientPhrases(
    code="it",
    wrote=("ha scritto", "scrive"),
    opens=("il giorno", "il"),
    original=("messaggio originale", "messaggio originario"),
    forwarded=("messaggio inoltrato", "inizio messaggio inoltrato", "forwarded message"),
    author=("da", "mittente"),
    sent=("inviato", "data"),
    to=("a", "cc", "destinatario"),
    subject=("oggetto",),
    sent_from=(
        "inviato da *",
        "inviato dal *",
        "inviata da *",
        "inviato con *",
        "inviato tramite *",
        "scarica outlook *",
        "ottieni outlook *",
    ),
    closings=(
        "cordiali saluti",
        "saluti",
        "distinti saluti",
        "un saluto",
        "grazie",
        "grazie mille",
        "a presto",
        "ciao",
    ),
    answer=("r", "rif", "i", "ri"),
)

POLISH = ClientPhrases(
    code="pl",
    wrote=("napisał(a)", "napisał", "napisała", "napisano", "pisze", "napisana przez"),
    opens=("w dniu", "dnia"),
    original=("wiadomość oryginalna", "oryginalna wiadomość", "wiadomość pierwotna"),
    forwarded=("wiadomość przekazana dalej", "przekazana wiadomość", "forwarded message"),
    author=("od", "nadawca"),
    sent=("wysłano", "wysłane", "data"),
    to=("do", "dw", "odbiorca"),
    subject=("temat",),
    sent_from=(
        "wysłane z *",
        "wysłano z *",
        "wysłane przez *",
        "wysłano przez *",
        "wysłane za pomocą *",
        "pobierz *outlook*",
        "uzyskaj *outlook*",
    ),
    closings=(
        "pozdrawiam",
        "pozdrowienia",
        "z poważaniem",
        "serdecznie pozdrawiam",
        "dziękuję",
        "dzięki",
    ),
    answer=("odp", "pd"),
)

RUSSIAN = ClientPhrases(
    code="ru",
    wrote=("пишет", "написал(а)", "написал", "написала", "писал(а)", "писал"),
    original=("исходное сообщение", "оригинальное сообщение", "первоначальное сообщение"),
    forwarded=(
        "пересылаемое сообщение",
        "пересланное сообщение",
        "переадресованное сообщение",
        "начало переадресованного сообщения",
    ),
    author=("от", "от кого"),
    sent=("отправлено", "дата"),
    to=("кому", "копия"),
    subject=("тема",),
    sent_from=(
        "отправлено с *",
        "отправлено из *",
        "отправлено через *",
        "отправлено от *",
        "скачать outlook *",
        "получить outlook *",
    ),
    closings=("с уважением", "всего доброго", "спасибо", "до встречи", "удачи"),
    answer=("отв", "на", "пер"),
)

LANGUAGES = (ENGLISH, HUNGARIAN, GERMAN, FRENCH, SPANISH, ITALIAN, POLISH, RUSSIAN)

#: Marks of answers in other languages, which cost nothing to know: Nordic,
#: Dutch, Portuguese, Turkish, Finnish, Czech and Slovak.
OTHER_ANSWERS = ("sv", "vs", "vb", "antw", "doorst", "res", "enc", "ynt", "ilt", "vl", "odp", "fs")

#: Names that a line holds which a program adds: devices, systems, programs.
DEVICES = (
    "iphone",
    "ipad",
    "ipod",
    "ios",
    "android",
    "samsung",
    "galaxy",
    "huawei",
    "xiaomi",
    "redmi",
    "pixel",
    "oneplus",
    "motorola",
    "nokia",
    "sony",
    "xperia",
    "blackberry",
    "windows",
    "outlook",
    "mail",
    "posta alkalmazás",
    "почт",
    "poczt",
    "courriel",
    "correo",
    "k-9",
    "thunderbird",
    "spark",
    "yahoo",
    "gmx",
    "web.de",
    "proton",
    "smartphone",
    "smartfon",
    "okostelefon",
    "telefon",
    "téléphone",
    "teléfono",
    "telefono",
    "телефон",
    "смартфон",
    "устройств",
    "phone",
    "mobil",
    "móvil",
    "cellulare",
    "handy",
    "tablet",
    "készülék",
    "gerät",
    "device",
    "appareil",
    "dispositivo",
    "urządzeni",
)
