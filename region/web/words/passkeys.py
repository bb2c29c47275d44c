"""What passkeys say: at the second step, in a person's account, and in the log."""

from region.web.subject import Words

WORDS: Words = {
    "en": {
        "web.passkey.title": "Passkeys",
        "web.passkey.lead": "With a passkey the second step is a fingerprint, a PIN or a security key, and no page "
        "that only looks like this one can ask for it.",
        "web.passkey.name": "Name of the passkey",
        "web.passkey.this_device": "This device",
        "web.passkey.make": "Make a passkey",
        "web.passkey.use": "Use a passkey",
        "web.passkey.used": "used {ago}",
        "web.passkey.unused": "not used yet",
        "web.passkey.remove": "Remove",
        "web.passkey.remove_one": "Remove {name}",
        "web.passkey.not_made": "No passkey was made. Try again, or use a code.",
        "web.passkey.not_used": "No passkey answered. Try again, or use a code.",
        "web.passkey.wrong": "That passkey's answer is not right. Try again, or use a code.",
        "web.second.only_passkey": "Use your passkey. If you have lost it, type one of your recovery codes.",
        "web.second.recovery": "Recovery code",
        "web.audit.action.passkey.add": "Passkey made",
        "web.audit.action.passkey.remove": "Passkey removed",
        "web.audit.value.how.passkey": "a passkey",
    },
    "da": {
        "web.passkey.title": "Adgangsnøgler",
        "web.passkey.lead": "Med en adgangsnøgle er det andet trin et fingeraftryk, en pinkode eller en "
        "sikkerhedsnøgle, og ingen side, der bare ligner denne, kan bede om den.",
        "web.passkey.name": "Adgangsnøglens navn",
        "web.passkey.this_device": "Denne enhed",
        "web.passkey.make": "Lav en adgangsnøgle",
        "web.passkey.use": "Brug en adgangsnøgle",
        "web.passkey.used": "brugt {ago}",
        "web.passkey.unused": "ikke brugt endnu",
        "web.passkey.remove": "Fjern",
        "web.passkey.remove_one": "Fjern {name}",
        "web.passkey.not_made": "Der blev ikke lavet nogen adgangsnøgle. Prøv igen, eller brug en kode.",
        "web.passkey.not_used": "Ingen adgangsnøgle svarede. Prøv igen, eller brug en kode.",
        "web.passkey.wrong": "Adgangsnøglens svar er forkert. Prøv igen, eller brug en kode.",
        "web.second.only_passkey": "Brug din adgangsnøgle. Har du mistet den, så skriv en af dine nødkoder.",
        "web.second.recovery": "Nødkode",
        "web.audit.action.passkey.add": "Adgangsnøgle lavet",
        "web.audit.action.passkey.remove": "Adgangsnøgle fjernet",
        "web.audit.value.how.passkey": "en adgangsnøgle",
    },
}
