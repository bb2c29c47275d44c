"""What the pages say of commands to many stations."""

from region.web.subject import Words

WORDS: Words = {
    "en": {
        "stations.bulk.title": "With {count} stations",
        "stations.bulk.title.one": "With one station",
        "stations.bulk.none": "No station was chosen. Go back, tick some, or take all that the filter finds.",
        "stations.bulk.back": "Back to the list",
        "stations.bulk.which": "Which they are",
        "stations.bulk.shut_out": "{count} of them are shut out, and are left out of commands.",
        "stations.bulk.do": "{what}: {count} stations",
        "stations.bulk.do.one": "{what}: one station",
        "stations.bulk.disturbing": "What takes them from their residents for a while",
        "stations.bulk.no_wipe": "A station is erased for good from its own page: one at a time.",
        "stations.bulk.settings.title": "Change settings of {count} stations",
        "stations.bulk.settings.title.one": "Change settings of one station",
        "stations.bulk.settings.lead": "What is left empty stays as it is at each station. What is written here each "
        "says itself from then on; = takes that away again, so that the levels above say it. What holds for a whole "
        "site is better said in its profile.",
        "stations.bulk.settings.as_it_is": "stays as it is",
        "stations.bulk.settings.save": "Save for {count} stations",
        "stations.bulk.settings.save.one": "Save for one station",
        "stations.bulk.settings.saved": "{count} stations changed",
        "stations.bulk.settings.told": "They are told as soon as they can be reached; the list shows which have taken "
        "it.",
        "stations.bulk.settings.changed": "Changed",
        "stations.bulk.settings.version": "Version",
        "stations.bulk.settings.same": "as it was",
        "stations.bulk.gone": "One of the stations is not there any more.",
        "stations.command.station": "Station",
        "stations.batch.title": "{what}: {count} stations",
        "stations.batch.title.one": "{what}: one station",
        "stations.batch.left_out": "Left out",
        "stations.batch.left_out.revoked": "shut out for good",
        "stations.batch.left_out.quarantined": "in quarantine",
        "stations.batch.left_out.too_many": "has twenty commands that have not ended",
        "stations.batch.cancel": "Call back those that have not been sent",
        "stations.batch.given": "Given by {by}",
    },
    "da": {
        "stations.bulk.title": "Med {count} stationer",
        "stations.bulk.title.one": "Med én station",
        "stations.bulk.none": "Der er ikke valgt nogen. Gå tilbage, og vælg nogle, eller tag alle dem, filteret "
        "finder.",
        "stations.bulk.back": "Tilbage til listen",
        "stations.bulk.which": "Hvilke det er",
        "stations.bulk.shut_out": "{count} af dem er lukket ude og får ingen kommandoer.",
        "stations.bulk.do": "{what}: {count} stationer",
        "stations.bulk.do.one": "{what}: én station",
        "stations.bulk.disturbing": "Det, der tager dem fra beboerne en tid",
        "stations.bulk.no_wipe": "En station slettes for altid på sin egen side: én ad gangen.",
        "stations.bulk.settings.title": "Skift indstillinger for {count} stationer",
        "stations.bulk.settings.title.one": "Skift indstillinger for én station",
        "stations.bulk.settings.lead": "Det, der står tomt, bliver som det er på hver station. Det, du skriver her, "
        "siger hver station selv fra nu af; = tager det væk igen, så niveauerne ovenfor siger det. Det, der gælder for "
        "et helt sted, hører til i stedets profil.",
        "stations.bulk.settings.as_it_is": "bliver som det er",
        "stations.bulk.settings.save": "Gem for {count} stationer",
        "stations.bulk.settings.save.one": "Gem for én station",
        "stations.bulk.settings.saved": "{count} stationer ændret",
        "stations.bulk.settings.told": "De får besked, så snart de kan nås; listen viser, hvem der har taget det i "
        "brug.",
        "stations.bulk.settings.changed": "Ændret",
        "stations.bulk.settings.version": "Version",
        "stations.bulk.settings.same": "som før",
        "stations.bulk.gone": "En af stationerne findes ikke længere.",
        "stations.command.station": "Station",
        "stations.batch.title": "{what}: {count} stationer",
        "stations.batch.title.one": "{what}: én station",
        "stations.batch.left_out": "Sprunget over",
        "stations.batch.left_out.revoked": "lukket ude for altid",
        "stations.batch.left_out.quarantined": "i karantæne",
        "stations.batch.left_out.too_many": "har tyve kommandoer, der ikke er slut",
        "stations.batch.cancel": "Kald dem tilbage, der ikke er sendt",
        "stations.batch.given": "Givet af {by}",
    },
}
