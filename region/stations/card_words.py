"""What the page of cards says."""

from region.web.subject import Words

WORDS: Words = {
    "en": {
        "stations.nav.cards": "Cards",
        "stations.cards.title": "Cards",
        "stations.cards.lead": "Stations are made, with a code file for each card, and a sheet of labels to print. You "
        "get one ZIP file: folder 007 goes on card 7. It is a secret, and it comes only once.",
        "stations.cards.codes": "A code file for each card",
        "stations.cards.which": "For which stations",
        "stations.cards.count": "New ones, with numbers",
        "stations.cards.how_many": "How many",
        "stations.cards.called": "Called",
        "stations.cards.rooms": "New ones, in these rooms",
        "stations.cards.rooms.each": "One room a line",
        "stations.cards.missing": "Those of the site that are in the registry and have no code that could be used",
        "stations.cards.clinic": "Clinic that their buttons call",
        "stations.cards.clinic.as_site": "as the site says",
        "stations.cards.days": "The codes are good for (days)",
        "stations.cards.language": "Language of the sheet",
        "stations.cards.with_codes": "Print the codes on the sheet: it is as secret as the files then",
        "stations.cards.make": "Make and download",
        "stations.cards.error": "Nothing was made.",
        "stations.cards.no_site": "Add a site first.",
        "stations.cards.region": "One file for every card",
        "stations.cards.region.lead": "Without code files: a station with this file on its card shows six digits, and "
        "waits to be claimed by somebody. It holds no secret, and is the same on every card.",
        "stations.cards.region.download": "Download the file",
    },
    "da": {
        "stations.nav.cards": "Kort",
        "stations.cards.title": "Kort",
        "stations.cards.lead": "Stationerne oprettes med en kodefil til hvert kort og et ark med mærkater til "
        "udskrift. Du får én ZIP-fil: Mappe 007 skal på kort 7. Den er en hemmelighed, og den kommer kun én gang.",
        "stations.cards.codes": "En kodefil til hvert kort",
        "stations.cards.which": "Til hvilke stationer",
        "stations.cards.count": "Nye, med numre",
        "stations.cards.how_many": "Hvor mange",
        "stations.cards.called": "Kaldet",
        "stations.cards.rooms": "Nye, i disse stuer",
        "stations.cards.rooms.each": "Én stue pr. linje",
        "stations.cards.missing": "Stedets stationer, der er i registret og ikke har en kode, der kan bruges",
        "stations.cards.clinic": "Klinik, som knapperne ringer til",
        "stations.cards.clinic.as_site": "som stedet siger",
        "stations.cards.days": "Koderne gælder i (dage)",
        "stations.cards.language": "Arkets sprog",
        "stations.cards.with_codes": "Skriv koderne på arket: Så er det lige så hemmeligt som filerne",
        "stations.cards.make": "Opret og hent",
        "stations.cards.error": "Intet blev oprettet.",
        "stations.cards.no_site": "Tilføj først et sted.",
        "stations.cards.region": "Én fil til alle kort",
        "stations.cards.region.lead": "Uden kodefiler: En station med denne fil på kortet viser seks cifre og venter "
        "på, at nogen siger god for den. Filen rummer ingen hemmelighed og er ens på alle kort.",
        "stations.cards.region.download": "Hent filen",
    },
}
