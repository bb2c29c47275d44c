import QtQuick

// Who is on the picture.
Rectangle {
    id: plate

    required property Theme theme
    required property var view
    required property real widest

    readonly property real padding: 24 * theme.unit

    width: Math.max(name.painted, role.painted) + 2 * padding
    height: lines.height + 16 * theme.unit
    radius: 16 * theme.unit
    color: theme.colours.ground

    Column {
        id: lines

        x: plate.padding
        y: 8 * plate.theme.unit
        width: plate.widest - 2 * plate.padding

        FitText {
            id: name

            label: "name"
            width: parent.width
            limit: 100 * plate.theme.unit
            theme: plate.theme
            largest: 46 * plate.theme.unit
            font.bold: true
            text: plate.view.name
        }

        FitText {
            id: role

            label: "role"
            width: parent.width
            limit: 48 * plate.theme.unit
            theme: plate.theme
            largest: 32 * plate.theme.unit
            maximumLineCount: 1
            color: plate.theme.colours.soft
            text: plate.view.role
        }
    }
}
