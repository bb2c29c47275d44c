"""What a site's own page says."""

from region.web.subject import Words

WORDS: Words = {
    "en": {
        "fleet.home.nav": "Our stations",
        "fleet.home.title": "Our stations",
        "fleet.home.station": "Station",
        "fleet.home.now": "Can it call now?",
        "fleet.home.calls": "It calls",
        "fleet.home.ready": "Ready",
        "fleet.home.in_call": "In a call now",
        "fleet.home.not_ready": "Not ready",
        "fleet.home.none": "There are no stations at your sites yet.",
        "fleet.home.do.plug": "It has no connection. Is it plugged in, and is the network cable in its place?",
        "fleet.home.do.wifi": "Its wireless network is weak. Can it stand nearer to the access point?",
        "fleet.home.do.camera": "It has no camera. Is the camera's cable in?",
        "fleet.home.do.devices": "It has neither camera nor microphone. Are their cables in?",
        "fleet.home.do.microphone": "It has no microphone. Is the microphone's cable in?",
        "fleet.home.do.speaker": "It has no speaker. Is the speaker's cable in?",
        "fleet.home.do.ask": "This is one for your IT department: tell them the name of the station.",
    },
    "da": {
        "fleet.home.nav": "Vores stationer",
        "fleet.home.title": "Vores stationer",
        "fleet.home.station": "Station",
        "fleet.home.now": "Kan den ringe nu?",
        "fleet.home.calls": "Den ringer til",
        "fleet.home.ready": "Klar",
        "fleet.home.in_call": "I gang med et opkald",
        "fleet.home.not_ready": "Ikke klar",
        "fleet.home.none": "Der er ingen stationer på jeres steder endnu.",
        "fleet.home.do.plug": "Den har ingen forbindelse. Er der strøm på, og sidder netværkskablet i?",
        "fleet.home.do.wifi": "Dens trådløse netværk er svagt. Kan den stå tættere på senderen?",
        "fleet.home.do.camera": "Den mangler sit kamera. Sidder kameraets kabel i?",
        "fleet.home.do.devices": "Den mangler både kamera og mikrofon. Sidder kablerne i?",
        "fleet.home.do.microphone": "Den mangler sin mikrofon. Sidder mikrofonens kabel i?",
        "fleet.home.do.speaker": "Den mangler sin højttaler. Sidder højttalerens kabel i?",
        "fleet.home.do.ask": "Den her er til jeres it-afdeling: sig stationens navn til dem.",
    },
}
