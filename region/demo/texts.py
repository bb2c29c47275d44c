"""What the demo prints and the names in it, in English and Danish. Nobody in it is a real person or place."""

from __future__ import annotations

from dataclasses import dataclass

from messaging.twin import Language


@dataclass(frozen=True)
class Texts:
    """One language of the demo."""

    clinic: str
    site: str
    station: str
    clinician: str
    title: str
    admin: str
    starting: str
    ready: str  # {seconds}
    links: tuple[str, str, str]  # clinic, panel, fleet
    do: str
    stop: str
    stopping: str


TEXTS: dict[Language, Texts] = {
    "en": Texts(
        clinic="The demo clinic", site="The demo home", station="Room 1", clinician="The demo doctor", title="GP",
        admin="The demo region",
        starting="Starting a region and a simulated station ...",
        ready="Ready in {seconds:.0f} s.",
        links=("Clinic", "Station", "Fleet"),
        do="Open the clinic and the station side by side, press the station's button, and answer in the clinic.",
        stop="Each link signs in once. Ctrl-C ends everything.",
        stopping="Ending everything ...",
    ),
    "da": Texts(
        clinic="Demoklinikken", site="Demohjemmet", station="Stue 1", clinician="Demolægen", title="Læge",
        admin="Demoregionen",
        starting="Starter en region og en simuleret station ...",
        ready="Klar på {seconds:.0f} s.",
        links=("Klinik", "Station", "Stationer"),
        do="Åbn klinikken og stationen ved siden af hinanden, tryk på stationens knap, og svar i klinikken.",
        stop="Hvert link virker én gang. Ctrl-C slutter det hele.",
        stopping="Slutter det hele ...",
    ),
}  # fmt: skip
