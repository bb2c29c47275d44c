"""What the region's own sign-in says: on the page of sign-in, and in the log."""

from region.web.subject import Words

WORDS: Words = {
    "en": {
        "web.oidc.button": "Sign in with {label}",
        "web.oidc.or_here": "Or with an account of this place",
        "web.oidc.out": "You are signed out here. At {label} you are still signed in.",
        "web.oidc.out_there": "Sign out of {label} too",
        "web.oidc.cancelled": "{label} says that the sign-in was called off. Try again when you like.",
        "web.oidc.stale": "That took too long, or the page was opened twice. Please sign in again.",
        "web.oidc.unreachable": "{label} does not answer just now. Try again in a moment; if it goes on, tell your IT "
        "department. An account of this place works meanwhile.",
        "web.oidc.provider": "{label} answered with something that Lægeknap does not understand. Your IT department "
        "finds in the log what it was.",
        "web.oidc.not_genuine": "The answer of {label} could not be trusted, so nobody was signed in. Please try "
        "again, and tell your IT department if it happens twice.",
        "web.oidc.clock": "The clocks of {label} and of Lægeknap do not agree, so nobody was signed in. Your IT "
        "department can put them right.",
        "web.oidc.no_group": "{label} knows you, but you have no access to Lægeknap yet. Ask your IT department to "
        "add you to the right group.",
        "web.oidc.no_place": "You are to work at a place that is not in Lægeknap yet. Tell your IT department.",
        "web.oidc.bad_name": "{label} gives you a user name that Lægeknap cannot use. Tell your IT department.",
        "web.oidc.name_taken": "There is another account with your user name here. Your IT department can tell "
        "Lægeknap that it is yours.",
        "web.oidc.blocked": "Your account here has been shut. Ask your IT department.",
        "web.audit.action.user.bind": "User bound to the region's sign-in",
        "web.audit.detail.refusal": "Because",
        "web.audit.value.how.oidc": "the region's sign-in",
        "web.audit.value.refusal.stale": "it took too long, or was not asked for in that browser",
        "web.audit.value.refusal.unreachable": "the region's sign-in did not answer",
        "web.audit.value.refusal.provider": "the region's sign-in answered something not understood",
        "web.audit.value.refusal.not_genuine": "the answer could not be trusted",
        "web.audit.value.refusal.clock": "the clocks do not agree",
        "web.audit.value.refusal.no_group": "in no group that gives access",
        "web.audit.value.refusal.no_place": "the group's place is not in the region",
        "web.audit.value.refusal.bad_name": "a user name that cannot be used",
        "web.audit.value.refusal.name_taken": "a local account has that name",
        "web.audit.value.refusal.blocked": "shut out here",
        "web.audit.value.refusal.cancelled": "called off",
    },
    "da": {
        "web.oidc.button": "Log ind med {label}",
        "web.oidc.or_here": "Eller med en konto her",
        "web.oidc.out": "Du er logget ud her. Hos {label} er du stadig logget ind.",
        "web.oidc.out_there": "Log også ud af {label}",
        "web.oidc.cancelled": "{label} siger, at du afbrød. Prøv igen, når du vil.",
        "web.oidc.stale": "Det tog for lang tid, eller siden blev åbnet to gange. Log ind igen.",
        "web.oidc.unreachable": "{label} svarer ikke lige nu. Prøv igen om lidt. Bliver det ved, så sig det til din "
        "it-afdeling. En konto her virker imens.",
        "web.oidc.provider": "{label} svarede noget, Lægeknap ikke forstår. Din it-afdeling kan se i loggen, hvad det "
        "var.",
        "web.oidc.not_genuine": "Svaret fra {label} var ikke til at stole på, så ingen blev logget ind. Prøv igen, og "
        "sig det til din it-afdeling, hvis det sker to gange.",
        "web.oidc.clock": "Urene hos {label} og Lægeknap passer ikke sammen, så ingen blev logget ind. Det kan din "
        "it-afdeling rette.",
        "web.oidc.no_group": "{label} kender dig, men du har ikke adgang til Lægeknap endnu. Bed din it-afdeling om at "
        "komme med i den rigtige gruppe.",
        "web.oidc.no_place": "Du skal arbejde et sted, der ikke er i Lægeknap endnu. Sig det til din it-afdeling.",
        "web.oidc.bad_name": "{label} giver dig et brugernavn, som Lægeknap ikke kan bruge. Sig det til din "
        "it-afdeling.",
        "web.oidc.name_taken": "Der er allerede en anden konto her med dit brugernavn. Din it-afdeling kan fortælle "
        "Lægeknap, at den er din.",
        "web.oidc.blocked": "Din konto her er lukket. Spørg din it-afdeling.",
        "web.audit.action.user.bind": "Bruger bundet til regionens login",
        "web.audit.detail.refusal": "Fordi",
        "web.audit.value.how.oidc": "regionens login",
        "web.audit.value.refusal.stale": "det tog for lang tid, eller browseren havde ikke bedt om det",
        "web.audit.value.refusal.unreachable": "regionens login svarede ikke",
        "web.audit.value.refusal.provider": "regionens login svarede noget, der ikke kan forstås",
        "web.audit.value.refusal.not_genuine": "svaret var ikke til at stole på",
        "web.audit.value.refusal.clock": "urene passer ikke sammen",
        "web.audit.value.refusal.no_group": "ikke med i en gruppe, der giver adgang",
        "web.audit.value.refusal.no_place": "gruppens sted er ikke i regionen",
        "web.audit.value.refusal.bad_name": "et brugernavn, der ikke kan bruges",
        "web.audit.value.refusal.name_taken": "en lokal konto har det navn",
        "web.audit.value.refusal.blocked": "lukket ude her",
        "web.audit.value.refusal.cancelled": "afbrudt",
    },
}
