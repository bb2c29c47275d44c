"""What the page of API tokens says."""

from region.web.subject import Words

WORDS: Words = {
    "en": {
        "people.token.title": "API tokens",
        "people.token.link": "API tokens, for scripts",
        "people.token.lead": "A script comes with a token of its own and needs nobody to sign in. Give each script "
        "one, for the least that it needs. A token ends when its maker is shut out or is of IT no more.",
        "people.token.api": "What scripts can do",
        "people.token.name": "For",
        "people.token.made_by": "Made by",
        "people.token.expires": "Until",
        "people.token.used": "Last used",
        "people.token.unused": "never",
        "people.token.reads_only": "reads only",
        "people.token.state.good": "In use",
        "people.token.state.expired": "Expired",
        "people.token.state.revoked": "Revoked",
        "people.token.state.maker_out": "Its maker is out",
        "people.token.none": "No script has a token yet.",
        "people.token.add": "Make a token",
        "people.token.purpose": "What it is for, e.g. Import from the register",
        "people.token.clinic": "Clinic (an evaluator's may have one)",
        "people.token.days": "For how many days (1 to {most})",
        "people.token.only": "It only reads, and changes nothing",
        "people.token.made": "This is the token of “{name}”. Put it where only the script can read it: it is shown "
        "this once.",
        "people.token.revoke": "Revoke",
        "people.token.revoke_one": "Revoke {name}",
        "people.token.revoked": "Revoked: it opens nothing any more.",
        "people.token.error.name": "Say what the token is for, in at most 80 characters.",
    },
    "da": {
        "people.token.title": "API-nøgler",
        "people.token.link": "API-nøgler til scripts",
        "people.token.lead": "Et script har sin egen nøgle, så ingen skal logge ind for det. Giv hvert script sin, til "
        "det mindste, det kan klare sig med. En nøgle holder op, når den, der lavede den, bliver lukket ude eller ikke "
        "længere er i it.",
        "people.token.api": "Hvad scripts kan gøre",
        "people.token.name": "Til",
        "people.token.made_by": "Lavet af",
        "people.token.expires": "Indtil",
        "people.token.used": "Sidst brugt",
        "people.token.unused": "aldrig",
        "people.token.reads_only": "læser kun",
        "people.token.state.good": "I brug",
        "people.token.state.expired": "Udløbet",
        "people.token.state.revoked": "Trukket tilbage",
        "people.token.state.maker_out": "Den, der lavede den, er ude",
        "people.token.none": "Ingen scripts har en nøgle endnu.",
        "people.token.add": "Lav en nøgle",
        "people.token.purpose": "Hvad den er til, f.eks. Import fra registeret",
        "people.token.clinic": "Klinik (en evaluators kan have en)",
        "people.token.days": "I hvor mange dage (1 til {most})",
        "people.token.only": "Den læser kun og ændrer ikke noget",
        "people.token.made": "Her er nøglen til “{name}”. Læg den, hvor kun scriptet kan læse den: den vises kun denne "
        "ene gang.",
        "people.token.revoke": "Træk tilbage",
        "people.token.revoke_one": "Træk {name} tilbage",
        "people.token.revoked": "Trukket tilbage: den åbner ikke noget mere.",
        "people.token.error.name": "Skriv, hvad nøglen er til, med højst 80 tegn.",
    },
}
