"""What the pages say that ask before stations are removed."""

from region.web.subject import Words

WORDS: Words = {
    "en": {
        "stations.remove": "Remove this station from the registry …",
        "stations.remove.help": "For a station that does not come back. What happens is told first.",
        "stations.remove.title": "Remove {count} stations from the registry",
        "stations.remove.title.one": "Remove a station from the registry",
        "stations.remove.in_use": "is not shut out",
        "stations.remove.not_yet": "Only stations that are shut out for good can be removed. Shut them out first, or "
        "have "
        "them erased: their pages have both.",
        "stations.remove.goes": "Settings, code, commands and diagnostics go, and the broker forgets what it kept of "
        "it. The "
        "room stays, and can be given to another station.",
        "stations.remove.stays": "The log and the figures of the calls stay. The certificates stay revoked until they "
        "expire.",
        "stations.remove.again": "There is no way back. The same computer with a new card becomes a new station, by a "
        "code file or the code on its screen.",
        "stations.remove.now": "Remove {count} stations",
        "stations.remove.now.one": "Remove the station",
        "stations.remove.back": "Back, without removing anything",
        "stations.remove.done": "{count} stations were removed",
        "stations.remove.done.one": "The station was removed",
        "stations.remove.done.help": "Each leads to its log here, which stays.",
        "stations.remove.many": "Remove from the registry …",
        "stations.remove.many.help": "Only what is shut out for good can be removed. What happens is told first.",
        "stations.clinic.remove": "Remove the clinic",
        "stations.clinic.remove.named": "Remove {name}",
        "stations.clinic.remove.help": "When no station calls it or falls back on it, and nobody works for it. The "
        "figures of its calls stay.",
    },
    "da": {
        "stations.remove": "Fjern denne station fra registret …",
        "stations.remove.help": "Til en station, der ikke kommer tilbage. Du får først at vide, hvad der sker.",
        "stations.remove.title": "Fjern {count} stationer fra registret",
        "stations.remove.title.one": "Fjern en station fra registret",
        "stations.remove.in_use": "er ikke lukket ude",
        "stations.remove.not_yet": "Kun stationer, der er lukket ude for altid, kan fjernes. Luk dem først ude, eller "
        "få "
        "dem slettet: Begge dele står på deres sider.",
        "stations.remove.goes": "Indstillinger, kode, kommandoer og diagnostik forsvinder, og brokeren glemmer det, "
        "den har "
        "gemt. Stuen bliver og kan gives til en anden station.",
        "stations.remove.stays": "Loggen og tallene for opkaldene bliver. Certifikaterne er spærret, til de udløber.",
        "stations.remove.again": "Det kan ikke fortrydes. Den samme computer med et nyt kort bliver en ny station, "
        "med en "
        "kodefil eller koden på sin skærm.",
        "stations.remove.now": "Fjern {count} stationer",
        "stations.remove.now.one": "Fjern stationen",
        "stations.remove.back": "Tilbage uden at fjerne noget",
        "stations.remove.done": "{count} stationer er fjernet",
        "stations.remove.done.one": "Stationen er fjernet",
        "stations.remove.done.help": "Hver fører her til sin log, som bliver.",
        "stations.remove.many": "Fjern fra registret …",
        "stations.remove.many.help": "Kun det, der er lukket ude for altid, kan fjernes. Du får først at vide, hvad "
        "der "
        "sker.",
        "stations.clinic.remove": "Fjern klinikken",
        "stations.clinic.remove.named": "Fjern {name}",
        "stations.clinic.remove.help": "Når ingen station ringer til den eller har den som reserve, og ingen arbejder "
        "for "
        "den. Tallene for dens opkald bliver.",
    },
}
