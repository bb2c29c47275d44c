"""Why the region does not take something: a code with plain values, and the English in which it travels.

The API, the command line and the log have the text; a page finds code and values in it again (`read`), and has words
for them in the reader's language (`region/web/words/refusals.py`). As with settings: messaging/reasons.py.
"""

from __future__ import annotations

from messaging.reasons import Texts

# In this order they are looked for: first what is said behind a reason, last what is said before one.
ENGLISH: dict[str, str] = {
    "and_more": "{why}; so it is with {count} more",
    # of a name, a number, a place (registry)
    "empty": "may not be empty",
    "length": "at most {most} characters",
    "unshown": "holds a character that cannot be shown",
    "phone": "digits and spaces, a plus in front if need be",
    "serial": "4 to 64 letters, digits, hyphens, dots and colons",
    "sign_in_name": "2 to 64 of a-z, 0-9, dot, hyphen, underscore, plus and @",
    "clinician": "a clinician belongs to one",
    "site_staff": "a site's staff belong to one or more",
    "own_role": "is your own: another administrator has to change it",
    "last_administrator": "no administrator would be left: make somebody else it_admin first",
    "no_station": "no station {station}: see region station list",
    "not_there": "no {kind} {name}",
    "changed": "{level} has been changed by {by} meanwhile: look at it again",
    # of a place that is renamed or removed
    "there_already": "there is a {kind} called {name} already",
    "has_municipalities": "{name} is not empty: move its municipalities first ({count})",
    "has_sites": "{name} is not empty: move its sites first ({count})",
    "was_called": "a {kind} that was removed is called {name}, and has its figures under that: take another name",
    "has_stations": "{name} is not empty: move its stations first, or remove those that are shut out ({count})",
    "has_rooms": "{name} is not empty: remove its rooms first ({count})",
    "has_people": "{name} is not empty: bind its people elsewhere first ({count})",
    "has_tokens": "{name} is not empty: revoke the API tokens that are bound to it first ({count})",
    "has_settings": "{name} is not empty: leave its settings to the layers above first",
    # of a clinic that is removed
    "has_callers": "{name} is in use: have its stations call another clinic first ({count})",
    "is_said": "{name} is in use: the settings of {where} name it; name another clinic there first ({count})",
    "has_calls": "{name} is in use: wait until its calls have ended ({count})",
    "clinic_closed": "{name} is closed: give them another clinic first",
    # of a station that is removed
    "not_shut_out": "{station} is in use: shut it out first (region station revoke), or have it erased "
    "(region command send wipe)",
    "is_quarantined": "{station} is in quarantine: shut it out for good first (region station revoke)",
    "call_goes_on": "{station} has a call that has not ended: try again in a moment",
    "no_stations_named": "no station was named",
    # of cards
    "days": "a code is good for 1 to {most} days",
    "all_have_cards": "every station of {site} has a code that waits, or has been there already",
    "room_since": "{site} has a {room} since a moment ago: try again",
    "cards_at_a_time": "from 1 to {most} cards at a time",
    "room_twice": "a room is named twice",
    "room_there": "{site} has a {room} already; for stations that are there: --missing",
    "cards_lacking": "{count} stations lack a card; at most {most} can be made at a time",
    # of copying a profile
    "nothing_chosen": "nothing was chosen to be copied",
    "one_changed": "one of the two has been changed meanwhile: look at it again",
    # of a command that nobody can be given
    "nobody_there": "there is no station there",
    "revoked": "{station} is shut out for good, and takes no command: let it in first (region station release)",
    "quarantined": "{station} is in quarantine, and takes no command until somebody has looked at it",
    "too_many": "{station} has {most} commands that have not ended: look at them first (region command list)",
    # of a table and its cells (region import)
    "csv": "cannot be read as CSV",
    "quote_open": "a quotation mark begins a cell here and never ends it: write one at its end",
    "after_quote": "something stands behind the quotation mark that ends a cell: write a mark within a cell twice",
    "cell_long": "a cell longer than {most} characters: is a quotation mark missing at the end of one?",
    "no_headings": "nothing is there; expected the headings {names}",
    "cells": "{cells} cells under {headings} headings",
    "megabytes": "longer than {most} MB",
    "not_csv": "{format}, not CSV: save it as CSV UTF-8",
    "not_utf8": "a letter that is not UTF-8: save the table as CSV UTF-8",
    "no_text": "a character that is no text",
    "no_column": "no such column; there are {names}",
    "column_twice": "twice",
    "column_missing": "missing",
    "rows": "more than {most} rows: take it in parts",
    "import_first": "no such {kind}: import the {kinds} first",
    "no_clinic": "no such clinic: import the clinics first, or {nobody} for none",
    "one_of": "expected one of {options}",
    "percent": "expected a whole number from 0 to 100",
    "as_in_line": "as in line {line}: take one of the two away",
    "no_such_id": "no such station; leave it empty for a new one",
    "others_serial": "is {station}'s already: take it from that station first",
    # and of what
    "of": "{what}: {why}",
}
_NUMBER, _NAME = r"\d+", r"[\w-]+"
TEXTS = Texts(
    ENGLISH,
    {
        "what": r"[a-z_]+",
        "most": _NUMBER,
        "count": _NUMBER,
        "station": _NAME,
        "line": _NUMBER,
        "cells": _NUMBER,
        "headings": _NUMBER,
        "kinds": "[a-z]+",
        "kind": "cluster|municipality|site|room|clinic",
        "level": "region|cluster|municipality|site|station",
    },
)
say, read = TEXTS.say, TEXTS.read


def of(what: str, code: str, **values: object) -> str:
    """The reason, and what of."""
    return say("of", what=what, why=say(code, **values))
