import QtQuick

// Something is going on: three dots that light up one after the other, stepped, so that nothing is drawn in between.
Row {
    id: dots

    required property Theme theme
    property int lit: 0

    spacing: 28 * theme.unit

    Repeater {
        model: 3

        Rectangle {
            required property int index

            width: 36 * dots.theme.unit
            height: width
            radius: width / 2
            color: dots.theme.colours.ink
            opacity: index === dots.lit ? 1 : 0.25
        }
    }

    Timer {
        interval: 700
        repeat: true
        running: dots.visible
        onTriggered: dots.lit = (dots.lit + 1) % 3
    }
}
