"""What changes changed, on the page of the log and in a station's history."""

from region.web.subject import Words

WORDS: Words = {
    "en": {
        "web.audit.change": "{name}: from {before} to {after}",
        "web.audit.change.said": "{name}: set to {after}; nothing was said here before",
        "web.audit.change.unsaid": "{name}: said here no more; it was {before}",
        "web.audit.change.hidden": "{name}: changed; what it is stands in no log",
        "web.audit.change.is_hidden": "(something that stands in no log)",
        "web.audit.change.nothing": "(nothing)",
        "web.audit.change.long": "“{start}…” ({length} characters in all; SHA-256 {sha256}…)",
        "web.audit.changes": "{count} fields",
        "web.audit.detail.more": "Further fields",
        "web.audit.detail.display_name": "Shown as",
        "web.audit.detail.title": "Title",
    },
    "da": {
        "web.audit.change": "{name}: fra {before} til {after}",
        "web.audit.change.said": "{name}: sat til {after}; der stod ikke noget her før",
        "web.audit.change.unsaid": "{name}: står her ikke mere; det var {before}",
        "web.audit.change.hidden": "{name}: ændret; hvad der står, gemmes ikke i loggen",
        "web.audit.change.is_hidden": "(noget, der ikke gemmes i loggen)",
        "web.audit.change.nothing": "(ingenting)",
        "web.audit.change.long": "“{start}…” ({length} tegn i alt; SHA-256 {sha256}…)",
        "web.audit.changes": "{count} felter",
        "web.audit.detail.more": "Flere felter",
        "web.audit.detail.display_name": "Vises som",
        "web.audit.detail.title": "Titel",
    },
}
