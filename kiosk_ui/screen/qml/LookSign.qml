import QtQuick

// What the clinician does with the own picture: a quiet line above it.
Rectangle {
    id: sign

    required property Theme theme
    required property string text
    required property real widest

    readonly property real padding: 14 * theme.unit

    width: widest
    height: words.height + padding
    radius: 12 * theme.unit
    color: theme.colours.ground
    visible: text !== ""

    FitText {
        id: words

        label: "looking"
        x: sign.padding
        y: sign.padding / 2
        width: sign.widest - 2 * sign.padding
        limit: 96 * sign.theme.unit
        theme: sign.theme
        largest: 34 * sign.theme.unit
        horizontalAlignment: Text.AlignHCenter
        color: sign.theme.colours.ink
        text: sign.text
    }
}
