"""Why a command waits or was not done, in words: a station's reasons, those of a renewal, and the region's own.

For the page of a station and for the log alike. A test finds every word that either can say here, in both languages.
"""

from region.web.subject import Words

_EN = {
    "clock": "its clock has not been set",
    "in_call": "a call is going on",
    "call_unknown": "it cannot tell whether a call is going on",
    "busy": "it is busy with another command",
    "expired": "it was not begun in time",
    "unsupported": "this station cannot do it",
    "malformed": "it did not say what it must",
    "another_station": "it was meant for another station",
    "too_many": "too many others wait already",
    "not_running": "the program is not running",
    "not_possible": "this machine cannot do it",
    "not_permitted": "the machine did not permit it",
    "no_sign": "nothing shows that it was done",
    "gave_up": "it was tried several times",
    "disk": "its disk is full or damaged",
    "no_answer": "the station began, and never said how it ended",
    "cancelled": "cancelled",
    "restored": "a backup was put in the registry's place meanwhile",
    "broker_or_disk": "the broker did not take the new certificate, or the disk did not",
    "provisioning": "the station could not prepare it",
    "state_unusable": "what the station keeps on its disk is damaged",
    "enrolment_failed": "the region did not answer as it should",
    "no_code_file": "there is no code file",
    "code_file_malformed": "the code file is not one of ours",
    "region_file_malformed": "the region file is not one of ours",
    "region_unreachable": "the station could not reach the region",
    "region_not_trusted": "who answered was not the region that the station trusts",
    "clock_not_set": "the region's certificate is not valid yet by the station's clock",
    "bad_answer": "the region's answer made no sense to the station",
    "wrong_code": "the region does not know the code",
    "code_expired": "the code is too old",
    "code_used": "the code has been used",
    "station_barred": "the station is shut out",
    "too_many_tries": "it was tried too often",
    "unknown_key": "the region does not know the station's key",
    "certificate_needed": "the station showed no certificate",
    "foreign_certificate": "the station's certificate is of another authority",
    "renewal_too_late": "its certificate expired too long ago: it needs a new code file",
    "not_asked_for": "the region had not asked for it, or no longer",
    "oversized_request": "it was larger than the region takes",
    "malformed_request": "the region could not make sense of it",
}
_DA = {
    "clock": "dens ur er ikke stillet",
    "in_call": "der er et opkald i gang",
    "call_unknown": "den ved ikke, om der er et opkald i gang",
    "busy": "den er i gang med en anden kommando",
    "expired": "den blev ikke begyndt i tide",
    "unsupported": "det kan denne station ikke",
    "malformed": "der manglede noget i den",
    "another_station": "den var til en anden station",
    "too_many": "der venter for mange andre",
    "not_running": "programmet kører ikke",
    "not_possible": "det kan denne maskine ikke",
    "not_permitted": "maskinen tillod det ikke",
    "no_sign": "intet viser, at det blev gjort",
    "gave_up": "det er forsøgt flere gange",
    "disk": "dens disk er fuld eller ødelagt",
    "no_answer": "stationen begyndte, men sagde aldrig, hvordan det gik",
    "cancelled": "fortrudt",
    "restored": "registret blev imens erstattet af en sikkerhedskopi",
    "broker_or_disk": "brokeren eller disken tog ikke imod det nye certifikat",
    "provisioning": "stationen kunne ikke gøre klar til det",
    "state_unusable": "det, stationen har gemt på sin disk, er ødelagt",
    "enrolment_failed": "regionen svarede ikke, som den skulle",
    "no_code_file": "der er ingen kodefil",
    "code_file_malformed": "kodefilen er ikke en af vores",
    "region_file_malformed": "regionsfilen er ikke en af vores",
    "region_unreachable": "stationen kunne ikke nå regionen",
    "region_not_trusted": "den, der svarede, var ikke den region, stationen stoler på",
    "clock_not_set": "regionens certifikat gælder ikke endnu efter stationens ur",
    "bad_answer": "stationen forstod ikke regionens svar",
    "wrong_code": "regionen kender ikke koden",
    "code_expired": "koden er for gammel",
    "code_used": "koden er brugt",
    "station_barred": "stationen er lukket ude",
    "too_many_tries": "det er forsøgt for mange gange",
    "unknown_key": "regionen kender ikke stationens nøgle",
    "certificate_needed": "stationen viste intet certifikat",
    "foreign_certificate": "stationens certifikat er fra en anden udsteder",
    "renewal_too_late": "dens certifikat udløb for længe siden: Den skal have en ny kodefil",
    "not_asked_for": "regionen havde ikke bedt om det, eller gør det ikke mere",
    "oversized_request": "det var mere, end regionen tager imod",
    "malformed_request": "regionen forstod det ikke",
}


def _under(prefix: str) -> Words:
    return {
        "en": {f"{prefix}.{reason}": word for reason, word in _EN.items()},
        "da": {f"{prefix}.{reason}": word for reason, word in _DA.items()},
    }


ON_THE_PAGE = _under("stations.command.reason")
IN_THE_LOG = _under("web.audit.value.reason")
WORDS: Words = {
    "en": {**ON_THE_PAGE["en"], **IN_THE_LOG["en"]}, "da": {**ON_THE_PAGE["da"], **IN_THE_LOG["da"]},
}  # fmt: skip
