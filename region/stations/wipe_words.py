"""What the page says that asks before a station is erased for good."""

from region.web.subject import Words

WORDS: Words = {
    "en": {
        "stations.final": "What cannot be undone",
        "stations.wipe": "Erase this station for good …",
        "stations.wipe.help": "For a station that is handed on, sent in or thrown away. What happens is told first.",
        "stations.wipe.title": "Erase {name}, {site}, for good",
        "stations.wipe.happens": "What will happen",
        "stations.wipe.happens.station": "When no call is going on, the station erases its key, its settings and "
        "everything else that it keeps. Its button calls nobody after that.",
        "stations.wipe.happens.region": "The region shuts it out: what was on its card opens nothing any more.",
        "stations.wipe.happens.kept": "Its place in the registry, its settings there and its log stay.",
        "stations.wipe.happens.again": "There is no way back. To be used again it has to be let in, and to have a "
        "new code file on its card.",
        "stations.wipe.away": "A station that is away is erased only if it comes back in time. Is it lost or stolen, "
        "shut it out instead: that works at once.",
        "stations.wipe.serial": "Serial number",
        "stations.wipe.named": "Type the station’s name to show that you mean it: {name}",
        "stations.wipe.named.serial": "Type the station’s name ({name}) or its serial number to show that you mean it",
        "stations.wipe.now": "Erase it for good",
        "stations.wipe.back": "Back, without erasing anything",
        "stations.wipe.error.not_the_one": "That is not this station’s name, nor its serial number. Nothing has "
        "happened.",
    },
    "da": {
        "stations.final": "Det, der ikke kan fortrydes",
        "stations.wipe": "Slet denne station for altid …",
        "stations.wipe.help": "Til en station, der gives videre, sendes ind eller kasseres. Du får først at vide, "
        "hvad der sker.",
        "stations.wipe.title": "Slet {name}, {site}, for altid",
        "stations.wipe.happens": "Det kommer der til at ske",
        "stations.wipe.happens.station": "Når der ikke er et opkald i gang, sletter stationen sin nøgle, sine "
        "indstillinger og alt andet, den har gemt. Derefter ringer dens knap ikke til nogen.",
        "stations.wipe.happens.region": "Regionen lukker den ude: Det, der var på dens kort, giver ikke adgang mere.",
        "stations.wipe.happens.kept": "Dens plads i registret, dens indstillinger dér og dens log bliver.",
        "stations.wipe.happens.again": "Det kan ikke fortrydes. Skal den bruges igen, skal den lukkes ind og have en "
        "ny kodefil på sit kort.",
        "stations.wipe.away": "En station, der er væk, bliver kun slettet, hvis den er tilbage i tide. Er den blevet "
        "væk eller stjålet, så luk den ude i stedet: Det virker med det samme.",
        "stations.wipe.serial": "Serienummer",
        "stations.wipe.named": "Skriv stationens navn for at vise, at du mener den: {name}",
        "stations.wipe.named.serial": "Skriv stationens navn ({name}) eller dens serienummer for at vise, at du mener "
        "den",
        "stations.wipe.now": "Slet den for altid",
        "stations.wipe.back": "Tilbage uden at slette noget",
        "stations.wipe.error.not_the_one": "Det er hverken stationens navn eller dens serienummer. Der er ikke sket "
        "noget.",
    },
}
