"""What pages, the log and refusals say of API tokens."""

from region.web.subject import Words

WORDS: Words = {
    "en": {
        "web.error.token_refused": "This API token opens nothing",
        "web.error.for_people": "This is for people, not for API tokens",
        "web.error.reads_only": "This API token may only read",
        "web.audit.by_token": "{maker}, by the API token “{name}” ({token})",
        "web.audit.action.token": "API token",
        "web.audit.action.token.add": "API token made",
        "web.audit.action.token.revoke": "API token revoked",
        "web.audit.detail.token": "API token",
        "web.audit.detail.days": "Days",
        "web.audit.value.how.reads_only": "reading alone",
        "web.audit.value.why.expired": "it has expired",
        "web.audit.value.why.revoked": "it was revoked",
        "web.audit.value.why.maker_out": "its maker no longer looks after the region",
    },
    "da": {
        "web.error.token_refused": "Denne API-nøgle åbner ingenting",
        "web.error.for_people": "Dette er for mennesker og ikke for API-nøgler",
        "web.error.reads_only": "Denne API-nøgle må kun læse",
        "web.audit.by_token": "{maker} med API-nøglen “{name}” ({token})",
        "web.audit.action.token": "API-nøgle",
        "web.audit.action.token.add": "API-nøgle lavet",
        "web.audit.action.token.revoke": "API-nøgle trukket tilbage",
        "web.audit.detail.token": "API-nøgle",
        "web.audit.detail.days": "Dage",
        "web.audit.value.how.reads_only": "kun læsning",
        "web.audit.value.why.expired": "den er udløbet",
        "web.audit.value.why.revoked": "den er trukket tilbage",
        "web.audit.value.why.maker_out": "den, der lavede den, passer ikke længere regionen",
    },
}
