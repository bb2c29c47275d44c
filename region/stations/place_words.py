"""What the pages of places say: their names, and their removal."""

from region.web.subject import Words

WORDS: Words = {
    "en": {
        "stations.place": "Name and removal",
        "stations.place.of": "Name and removal of {name}",
        "stations.place.rename.site": "The site's name",
        "stations.place.rename.municipality": "The municipality's name",
        "stations.place.rename.cluster": "The cluster's name",
        "stations.place.rename.help": "It is on its stations' screens: each is told as soon as it can be reached.",
        "stations.place.remove": "Remove",
        "stations.place.remove.named": "Remove {name}",
        "stations.place.remove.site": "Remove the site",
        "stations.place.remove.municipality": "Remove the municipality",
        "stations.place.remove.cluster": "Remove the cluster",
        "stations.place.remove.help": "Only what is empty can be removed: no stations, rooms, people or settings.",
        "stations.place.rooms": "Rooms",
        "stations.place.rooms.help": "A station that is called as its room is gets the room's new name on its screen.",
        "stations.place.rooms.empty": "no station",
        "stations.place.rename.room": "The room's name",
        "stations.place.rename.named": "Save the new name of {name}",
    },
    "da": {
        "stations.place": "Navn og fjernelse",
        "stations.place.of": "Navn og fjernelse: {name}",
        "stations.place.rename.site": "Stedets navn",
        "stations.place.rename.municipality": "Kommunens navn",
        "stations.place.rename.cluster": "Klyngens navn",
        "stations.place.rename.help": "Det står på stationernes skærme: Hver station får besked, så snart den kan nås.",
        "stations.place.remove": "Fjern",
        "stations.place.remove.named": "Fjern {name}",
        "stations.place.remove.site": "Fjern stedet",
        "stations.place.remove.municipality": "Fjern kommunen",
        "stations.place.remove.cluster": "Fjern klyngen",
        "stations.place.remove.help": "Kun det tomme kan fjernes: uden stationer, stuer, personer og indstillinger.",
        "stations.place.rooms": "Stuer",
        "stations.place.rooms.help": "En station, der hedder som sin stue, får stuens nye navn på sin skærm.",
        "stations.place.rooms.empty": "ingen station",
        "stations.place.rename.room": "Stuens navn",
        "stations.place.rename.named": "Gem det nye navn for {name}",
    },
}
