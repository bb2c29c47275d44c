"""What the page of tables says."""

from region.web.subject import Words

WORDS: Words = {
    "en": {
        "stations.tables.title": "Tables (CSV)",
        "stations.tables.in": "Take a table in",
        "stations.tables.in.lead": "From a spreadsheet, saved as CSV UTF-8: all of it is taken, or nothing and each "
        "fault is told. The first line has the headings, as in a table that is downloaded here.",
        "stations.tables.kind": "What is in it",
        "stations.tables.kind.clusters": "Clusters",
        "stations.tables.kind.municipalities": "Municipalities",
        "stations.tables.kind.sites": "Sites",
        "stations.tables.kind.rooms": "Rooms",
        "stations.tables.kind.clinics": "Clinics",
        "stations.tables.kind.stations": "Stations",
        "stations.tables.kind.people": "People",
        "stations.tables.file": "The file (at most 4 MB)",
        "stations.tables.try": "Show what would come of it",
        "stations.tables.take": "Take it in",
        "stations.tables.taken": "Taken in: {added} added, {changed} changed, {same} as they were.",
        "stations.tables.would": "Nothing has been changed yet. It would come to: {added} added, {changed} changed, "
        "{same} as they were.",
        "stations.tables.nothing": "Nothing was changed. Mend this in the table, and take it in again.",
        "stations.tables.faults": "What is wrong with the table",
        "stations.tables.line": "Line",
        "stations.tables.column": "Column",
        "stations.tables.why": "Why",
        "stations.tables.more": "and {count} more",
        "stations.tables.out": "Download a table",
        "stations.tables.out.lead": "It opens in a spreadsheet, and can be taken in again. Passwords are in none.",
    },
    "da": {
        "stations.tables.title": "Tabeller (CSV)",
        "stations.tables.in": "Læs en tabel ind",
        "stations.tables.in.lead": "Fra et regneark, gemt som CSV UTF-8: Enten læses det hele ind, eller intet, og du "
        "får at vide, hvad der er galt. Første linje har overskrifterne som i en tabel, der er hentet her.",
        "stations.tables.kind": "Hvad der er i den",
        "stations.tables.kind.clusters": "Klynger",
        "stations.tables.kind.municipalities": "Kommuner",
        "stations.tables.kind.sites": "Steder",
        "stations.tables.kind.rooms": "Stuer",
        "stations.tables.kind.clinics": "Klinikker",
        "stations.tables.kind.stations": "Stationer",
        "stations.tables.kind.people": "Brugere",
        "stations.tables.file": "Filen (højst 4 MB)",
        "stations.tables.try": "Vis, hvad der ville ske",
        "stations.tables.take": "Læs den ind",
        "stations.tables.taken": "Læst ind: {added} tilføjet, {changed} ændret, {same} som før.",
        "stations.tables.would": "Intet er ændret endnu. Der ville blive {added} tilføjet, {changed} ændret og {same} "
        "som før.",
        "stations.tables.nothing": "Intet blev ændret. Ret det i tabellen, og læs den ind igen.",
        "stations.tables.faults": "Det, der er galt med tabellen",
        "stations.tables.line": "Linje",
        "stations.tables.column": "Kolonne",
        "stations.tables.why": "Hvorfor",
        "stations.tables.more": "og {count} til",
        "stations.tables.out": "Hent en tabel",
        "stations.tables.out.lead": "Den åbner i et regneark og kan læses ind igen. Adgangskoder er ikke i nogen af "
        "dem.",
    },
}
