"""Why the region does not take something, in words: the codes of `region.reasons`, and values in them that are words.

A page in English says what the text says, without the hints to the command line.
"""

from region.reasons import ENGLISH
from region.web.subject import Words

_EN = {
    "no_station": "no station {station}",
    "room_there": "{site} has a {room} already. For stations that are there, choose those that lack a card.",
    "revoked": "{station} is shut out for good, and takes no command: let it in first",
    "too_many": "{station} has {most} commands that have not ended: look at them first",
    "not_shut_out": "{station} is in use: shut it out first, or have it erased",
    "is_quarantined": "{station} is in quarantine: shut it out for good first",
}
_DA = {
    "and_more": "{why}; sådan er det med {count} til",
    "empty": "må ikke være tomt",
    "length": "må højst være {most} tegn",
    "unshown": "har et tegn, der ikke kan vises",
    "phone": "skal være cifre og mellemrum, eventuelt med et plus foran",
    "serial": "skal være 4 til 64 bogstaver, cifre, bindestreger, punktummer og koloner",
    "sign_in_name": "skal være 2 til 64 af a-z, 0-9, punktum, bindestreg, understregning, plus og @",
    "clinician": "en kliniker hører til én",
    "site_staff": "personale på et sted hører til ét eller flere",
    "own_role": "er din egen: En anden administrator skal ændre den",
    "last_administrator": "der ville ingen administrator være tilbage: Gør først en anden til it_admin",
    "no_station": "stationen {station} findes ikke",
    "not_there": "{kind} {name} findes ikke",
    "changed": "{level} er imens blevet ændret af {by}: Se på det igen",
    "there_already": "{kind} {name} findes allerede",
    "has_municipalities": "{name} er ikke tom: Flyt først dens kommuner ({count})",
    "has_sites": "{name} er ikke tom: Flyt først stederne der ({count})",
    "was_called": "{kind} {name} er fjernet, men har sine tal under det navn: Vælg et andet",
    "has_stations": "{name} er ikke tom: Flyt først stationerne der, eller fjern dem, der er lukket ude ({count})",
    "has_rooms": "{name} er ikke tom: Fjern først stuerne der ({count})",
    "has_people": "{name} er ikke tom: Giv først personerne der et andet sted ({count})",
    "has_tokens": "{name} er ikke tom: Tilbagekald først de API-nøgler, der er bundet dertil ({count})",
    "has_settings": "{name} er ikke tom: Lad først indstillingerne der være som ovenfor",
    "has_callers": "{name} er i brug: Lad først stationerne ringe til en anden klinik ({count})",
    "is_said": "{name} er i brug: Den står i indstillingerne for {where}; vælg først en anden klinik der ({count})",
    "has_calls": "{name} er i brug: Vent, til dens opkald er slut ({count})",
    "clinic_closed": "{name} er lukket: Giv først vedkommende en anden klinik",
    "not_shut_out": "{station} er i brug: Luk den først ude, eller få den slettet",
    "is_quarantined": "{station} er i karantæne: Luk den først ude for altid",
    "call_goes_on": "{station} har et opkald, der ikke er slut: Prøv igen om et øjeblik",
    "no_stations_named": "der er ikke valgt nogen station",
    "days": "en kode gælder i 1 til {most} dage",
    "all_have_cards": "alle stationer på {site} har en kode, der venter, eller har allerede været der",
    "room_since": "{site} har fået {room} for et øjeblik siden: Prøv igen",
    "cards_at_a_time": "der kan laves fra 1 til {most} kort ad gangen",
    "room_twice": "den samme stue står der to gange",
    "room_there": "{site} har allerede {room}. Til stationer, der er i registret: Vælg dem, der mangler et kort.",
    "cards_lacking": "{count} stationer mangler et kort, og der kan laves højst {most} ad gangen",
    "nothing_chosen": "der er ikke valgt noget at kopiere",
    "one_changed": "et af de to steder er imens blevet ændret: Se på det igen",
    "nobody_there": "der er ingen station",
    "revoked": "{station} er lukket ude for altid og tager ikke imod kommandoer: Luk den først ind",
    "quarantined": "{station} er i karantæne og tager ikke imod kommandoer, før nogen har set på den",
    "too_many": "{station} har {most} kommandoer, der ikke er slut: Se på dem først",
    "csv": "kan ikke læses som CSV",
    "quote_open": "et anførselstegn begynder en celle her, og intet slutter den: Skriv et, hvor den slutter",
    "after_quote": "der står noget efter det anførselstegn, som slutter en celle: Skriv anførselstegn i en celle "
    "dobbelt",
    "cell_long": "en celle er længere end {most} tegn: Mangler der et anførselstegn, hvor en celle slutter?",
    "no_headings": "der står ikke noget; der skulle stå overskrifterne {names}",
    "cells": "{cells} celler under {headings} overskrifter",
    "megabytes": "er længere end {most} MB",
    "not_csv": "{format}, ikke CSV: Gem tabellen som CSV UTF-8",
    "not_utf8": "et bogstav, der ikke er UTF-8: Gem tabellen som CSV UTF-8",
    "no_text": "et tegn, der ikke er tekst",
    "no_column": "den kolonne findes ikke; der findes {names}",
    "column_twice": "står der to gange",
    "column_missing": "mangler",
    "rows": "flere end {most} rækker: Del tabellen",
    "import_first": "{kind} findes ikke: Læs {kinds} ind først",
    "no_clinic": "klinikken findes ikke: Læs klinikkerne ind først, eller skriv {nobody} for ingen",
    "one_of": "skal være en af {options}",
    "percent": "skal være et helt tal fra 0 til 100",
    "as_in_line": "som i linje {line}: Tag en af de to væk",
    "no_such_id": "stationen findes ikke; lad cellen være tom for en ny",
    "others_serial": "har {station} allerede: Tag det fra den station først",
    "of": "{what}: {why}",
}
_VALUES = {
    "called": "kaldet", "region": "regionen", "cluster": "klyngen", "municipality": "kommunen", "site": "stedet",
    "room": "stuen", "clinic": "klinikken", "station": "stationen", "name": "navnet", "serial": "serienummeret",
    "clusters": "klyngerne", "municipalities": "kommunerne", "sites": "stederne", "clinics": "klinikkerne",
    "phone": "telefonnummeret", "why": "begrundelsen", "text": "teksten",
}  # fmt: skip

WORDS: Words = {
    "en": {
        **{f"web.refusal.{code}": words for code, words in (ENGLISH | _EN).items()},
        **{f"web.refusal.value.{value}": value for value in _VALUES},
    },
    "da": {
        **{f"web.refusal.{code}": words for code, words in _DA.items()},
        **{f"web.refusal.value.{value}": words for value, words in _VALUES.items()},
    },
}
